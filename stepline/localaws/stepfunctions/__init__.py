"""AWS Step Functions of the local AWS, with an interpreter of the language that it is given."""

from stepline.localaws.stepfunctions.service import StepFunctions

__all__ = ["StepFunctions"]

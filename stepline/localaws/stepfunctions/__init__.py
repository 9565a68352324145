"""AWS Step Functions of the local AWS.

`StepFunctions` is the service; `history` tells what happened in an execution.
"""

from stepline.localaws.stepfunctions.service import StepFunctions

__all__ = ["StepFunctions"]

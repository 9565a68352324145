"""What can be wrong with a stack, and what CloudFormation's own errors mean.

CloudFormation has no error codes for most of it: what differs is the message of a ValidationError.
"""

from __future__ import annotations

import re
from typing import Final

from stepline.core.aws_errors import AwsFailure, error_code, error_message
from stepline.core.errors import SteplineError

_VALIDATION_ERROR: Final = "ValidationError"
_CHANGE_SET_NOT_FOUND: Final = "ChangeSetNotFound"
_OVERTAKEN_CODES: Final = frozenset({_CHANGE_SET_NOT_FOUND, "InvalidChangeSetStatus"})
_STACK_DOES_NOT_EXIST: Final = re.compile(r"^Stack\b.* does not exist$")
_STACK_IN_WRONG_STATE: Final = re.compile(
    r"\bis in [A-Z_]+ state and can ?not be (?:updated|executed|deleted)|in a non-terminal \[[A-Z_]+\] state"
)
_TEMPLATE_NOT_FOUND: Final = re.compile(r"^S3 error: The specified key does not exist")


class StackChangedError(SteplineError):
    """The stack, or its change set, was changed by another process since it was read."""


class ManualInterventionRequiredError(SteplineError):
    """The stack is in a state that only a person can resolve."""


def stack_does_not_exist(error: AwsFailure) -> bool:
    """True only for CloudFormation's own statement that there is no such stack."""
    return _is_validation_error(error, _STACK_DOES_NOT_EXIST)


def stack_is_in_wrong_state(error: AwsFailure) -> bool:
    """True if another operation on the stack has begun meanwhile."""
    return _is_validation_error(error, _STACK_IN_WRONG_STATE)


def template_does_not_exist(error: AwsFailure) -> bool:
    """True if CloudFormation found no object at the TemplateURL."""
    return _is_validation_error(error, _TEMPLATE_NOT_FOUND)


def change_set_does_not_exist(error: AwsFailure) -> bool:
    return error_code(error) == _CHANGE_SET_NOT_FOUND


def change_set_was_overtaken(error: AwsFailure) -> bool:
    """True if the change set cannot be executed because the stack was changed since, or is being changed."""
    return error_code(error) in _OVERTAKEN_CODES or stack_is_in_wrong_state(error)


def _is_validation_error(error: AwsFailure, message: re.Pattern[str]) -> bool:
    return error_code(error) == _VALIDATION_ERROR and bool(message.search(error_message(error).strip()))

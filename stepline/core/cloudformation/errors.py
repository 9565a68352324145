"""Errors of stacks, and the meaning of CloudFormation's own errors.

Most of CloudFormation's errors have the same code, ValidationError, and differ only in their message.
"""

from __future__ import annotations

import re
from typing import Final

from stepline.core.aws_errors import AwsFailure, error_code, error_message
from stepline.core.errors import SteplineError

_VALIDATION_ERROR: Final = "ValidationError"
_CHANGE_SET_NOT_FOUND: Final = "ChangeSetNotFound"
_OBSOLETE_CODES: Final = frozenset({_CHANGE_SET_NOT_FOUND, "InvalidChangeSetStatus"})
_STACK_DOES_NOT_EXIST: Final = re.compile(r"^Stack\b.* does not exist$")
_STACK_IN_WRONG_STATE: Final = re.compile(
    r"\bis in [A-Z_]+ state and can ?not be (?:updated|executed|deleted)|in a non-terminal \[[A-Z_]+\] state"
)
_TEMPLATE_NOT_FOUND: Final = re.compile(r"^S3 error: The specified key does not exist")


class StackChangedError(SteplineError):
    """The stack or its change set was changed by another process after it was read."""


class ManualInterventionRequiredError(SteplineError):
    """The stack is in a status that only a person can resolve."""


def stack_does_not_exist(error: AwsFailure) -> bool:
    """Return True only if CloudFormation itself reports that the stack does not exist."""
    return _is_validation_error(error, _STACK_DOES_NOT_EXIST)


def stack_is_in_wrong_state(error: AwsFailure) -> bool:
    """Return True if the stack's status does not allow the operation: another one has started."""
    return _is_validation_error(error, _STACK_IN_WRONG_STATE)


def template_does_not_exist(error: AwsFailure) -> bool:
    """Return True if the object of TemplateURL does not exist."""
    return _is_validation_error(error, _TEMPLATE_NOT_FOUND)


def change_set_does_not_exist(error: AwsFailure) -> bool:
    return error_code(error) == _CHANGE_SET_NOT_FOUND


def change_set_is_obsolete(error: AwsFailure) -> bool:
    """Return True if the change set cannot be executed because the stack was changed or is being changed."""
    return error_code(error) in _OBSOLETE_CODES or stack_is_in_wrong_state(error)


def _is_validation_error(error: AwsFailure, message: re.Pattern[str]) -> bool:
    return error_code(error) == _VALIDATION_ERROR and bool(message.search(error_message(error).strip()))

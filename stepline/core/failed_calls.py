"""A failed AWS call as an error that says what to change."""

from __future__ import annotations

from stepline.core.aws_errors import AwsFailure, Trouble, classify, error_code, error_message
from stepline.core.errors import (
    AccessDeniedError,
    ConfigurationError,
    SteplineError,
    TransientError,
    printable,
)
from stepline.core.limits import MAX_QUOTED_CHARACTERS


def failed_call(action: str, resource: str, error: AwsFailure) -> SteplineError:
    """The error to raise when `action` (IAM's name of it) on `resource` (an ARN) failed with `error`."""
    code = error_code(error)
    said = printable(f"{code}: {error_message(error)}", 3 * MAX_QUOTED_CHARACTERS)
    fields = {"action": action, "resource": resource, "error_code": code}
    match classify(error):
        case Trouble.TRANSIENT:
            return TransientError(f"{action} could not be called: {said}", **fields)
        case Trouble.PERMISSION:
            message = f"The function may not call {action} on {resource}: allow it in its role. {said}"
            return AccessDeniedError(message, **fields)
        case Trouble.MISSING:
            return ConfigurationError(f"{resource} does not exist. {said}", **fields)
        case Trouble.PERMANENT:
            return ConfigurationError(f"{action} on {resource} was refused. {said}", **fields)

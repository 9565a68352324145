"""What an exception of botocore, or of the code shared with the pipeline, means for a task."""

from __future__ import annotations

from botocore.exceptions import ClientError

from statemachines.errors import (
    MAX_REASON_CHARACTERS,
    PermissionDeniedError,
    RequestRefusedError,
    TaskError,
    TransientAwsError,
)
from stepline.core.aws_errors import AwsFailure, Trouble, classify, error_code, error_message
from stepline.core.errors import AccessDeniedError, SteplineError, TransientError, cut


def explain(error: AwsFailure) -> TaskError:
    """The error of ours that says what happens next."""
    text = reason(error)
    match classify(error):
        case Trouble.TRANSIENT:
            return TransientAwsError(text)
        case Trouble.PERMISSION:
            return PermissionDeniedError(text)
        case _:
            return RequestRefusedError(text)


def of_pipeline(error: SteplineError) -> TaskError:
    """The task's error for one of `pipeline/`, which starts and describes executions for tasks, too."""
    match error:
        case TransientError():
            return TransientAwsError(error.message)
        case AccessDeniedError():
            return PermissionDeniedError(error.message)
        case _:
            return RequestRefusedError(error.message)


def reason(error: AwsFailure) -> str:
    """AWS's own words, then the operation and the error's name, as `(CreateStack: ValidationError)`."""
    code = error_code(error)
    where = f"{error.operation_name}: {code}" if isinstance(error, ClientError) else code
    return f"{cut(error_message(error), MAX_REASON_CHARACTERS)} ({where})"

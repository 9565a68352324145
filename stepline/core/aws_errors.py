"""Classifies the exceptions of botocore, and translates them to the errors of `stepline.core.errors`.

Sources: "Common Errors" of the Step Functions and CodePipeline API references, "Error
responses" of the S3 API reference, and the error shapes of botocore's models.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
)
from urllib3.exceptions import HTTPError

from stepline.core.errors import PermissionDeniedError, RequestRefusedError, SteplineError, TransientAwsError
from stepline.core.limits import MAX_REASON_CHARACTERS
from stepline.core.text import cut, printable

AwsFailure = ClientError | BotoCoreError | HTTPError
"""The exceptions that a call of a botocore client raises. Use `AWS_FAILURES` in an except clause.

urllib3's own error is raised if the connection breaks while botocore reads an error response of GetObject.
"""

AWS_FAILURES = (ClientError, BotoCoreError, HTTPError)


class FailureKind(enum.Enum):
    TRANSIENT = "transient"  # throttling, a 5xx, a time-out, a broken connection
    PERMISSION = "permission"  # a policy must be changed, or the credentials have expired
    MISSING = "missing"  # the resource does not exist
    PERMANENT = "permanent"  # the request itself cannot succeed


EXPIRED_CREDENTIALS_CODES: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
INVALID_CREDENTIALS_CODES: Final = frozenset(
    {"InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"}
)
EMPTY_OBJECT_CODES: Final = frozenset({"InvalidRange", "416"})
"""S3's errors for a range of an empty object."""

PRECONDITION_CODES: Final = frozenset({"PreconditionFailed", "412"})
"""S3's errors if the condition `IfMatch` or `IfNoneMatch` is false."""

_TRANSIENT_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConcurrentModificationException",
        "ConditionalRequestConflict",
        "ExecutionLimitExceeded",  # a million open executions: later there are fewer
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "KmsThrottlingException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "RequestTimeTooSkewed",
        "ServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_PERMISSION_CODES = (
    EXPIRED_CREDENTIALS_CODES
    | INVALID_CREDENTIALS_CODES
    | {
        "AccessDenied",
        "AccessDeniedException",
        "AccountProblem",
        "AllAccessDisabled",
        "Forbidden",
        "InvalidSignatureException",
        "InvalidToken",
        "KMS.DisabledException",
        "KMS.InvalidStateException",
        "KMS.NotFoundException",
        "KmsAccessDeniedException",
        "KmsInvalidStateException",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
    }
)
_MISSING_CODES = frozenset(
    {
        "404",
        "ExecutionDoesNotExist",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchVersion",
        "NotFound",
        "ResourceNotFoundException",
        "StateMachineDeleting",
        "StateMachineDoesNotExist",
    }
)
_TRANSIENT_EXCEPTIONS = (
    HTTPClientError,  # time-outs, broken connections and streams
    ConnectionError,
    IncompleteReadError,
    FlexibleChecksumError,  # the body does not match its checksum
    CredentialRetrievalError,
    HTTPError,
)
_HTTP_FORBIDDEN = 403
_HTTP_NOT_FOUND = 404
_HTTP_TOO_MANY_REQUESTS = 429
_HTTP_SERVER_ERROR = 500


def classify(error: AwsFailure) -> FailureKind:
    """Return the kind of `error`; codes that are not listed here are classified by their HTTP status."""
    if isinstance(error, ClientError):
        return _classify_code(error_code(error), http_status(error))
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return FailureKind.PERMISSION
    return FailureKind.TRANSIENT if isinstance(error, _TRANSIENT_EXCEPTIONS) else FailureKind.PERMANENT


def _classify_code(code: str, status: int) -> FailureKind:
    if code in _TRANSIENT_CODES or status >= _HTTP_SERVER_ERROR or status == _HTTP_TOO_MANY_REQUESTS:
        return FailureKind.TRANSIENT
    if code in _PERMISSION_CODES or code.startswith("AccessDenied"):
        return FailureKind.PERMISSION
    if code in _MISSING_CODES:
        return FailureKind.MISSING
    if status == _HTTP_FORBIDDEN:
        return FailureKind.PERMISSION
    return FailureKind.MISSING if status == _HTTP_NOT_FOUND else FailureKind.PERMANENT


def is_transient(error: AwsFailure) -> bool:
    return classify(error) is FailureKind.TRANSIENT


def error_code(error: AwsFailure) -> str:
    """Return AWS's error code (`ThrottlingException`), or botocore's class name."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def error_message(error: AwsFailure) -> str:
    """Return AWS's message, without the text that botocore adds."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message") or error_code(error))
    return str(error)


def http_status(error: ClientError) -> int:
    """Return the HTTP status of the response, 0 if there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def reason(error: AwsFailure) -> str:
    """Return AWS's message, followed by operation and error code: `… (CreateStack: ValidationError)`."""
    code = error_code(error)
    where = f"{error.operation_name}: {code}" if isinstance(error, ClientError) else code
    return f"{cut(printable(error_message(error), MAX_REASON_CHARACTERS), MAX_REASON_CHARACTERS)} ({where})"


_ERRORS: Final[Mapping[FailureKind, type[SteplineError]]] = {
    FailureKind.TRANSIENT: TransientAwsError,
    FailureKind.PERMISSION: PermissionDeniedError,
    FailureKind.MISSING: RequestRefusedError,
    FailureKind.PERMANENT: RequestRefusedError,
}


def translate(
    error: AwsFailure,
    sentences: Mapping[FailureKind, str] | None = None,
    *,
    kind: FailureKind | None = None,
    errors: Mapping[FailureKind, type[SteplineError]] | None = None,
    **fields: object,
) -> SteplineError:
    """Return the error to raise for `error`.

    The message is the sentence for the kind of failure, if there is one, followed by AWS's own reason.
    `kind` overrides `classify`, `errors` the classes of some kinds; `fields` are for the log.
    """
    kind = kind or classify(error)
    error_class = {**_ERRORS, **(errors or {})}[kind]
    message = f"{(sentences or {}).get(kind, '')} {reason(error)}".strip()
    return error_class(message, error_code=error_code(error), **fields)


def failed_call(action: str, resource: str, error: AwsFailure) -> SteplineError:
    """Return the error to raise if the IAM action `action` on `resource` (an ARN) failed with `error`."""
    sentences = {
        FailureKind.TRANSIENT: f"{action} could not be called:",
        FailureKind.PERMISSION: f"The function may not call {action} on {resource}: allow it in its role.",
        FailureKind.MISSING: f"{resource} does not exist.",
        FailureKind.PERMANENT: f"{action} on {resource} was refused.",
    }
    return translate(error, sentences, action=action, resource=resource)


@contextlib.contextmanager
def translated(translator: Callable[[AwsFailure], SteplineError] = translate) -> Iterator[None]:
    """Replace botocore's exceptions in the `with` block by errors of ours."""
    try:
        yield
    except AWS_FAILURES as error:
        raise translator(error) from error

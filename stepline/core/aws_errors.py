"""What an exception of botocore means for the job: come back later, no access, not there, never.

Sources: "Common Errors" of the Step Functions and CodePipeline API references, "Error
responses" of the S3 API reference, and the error shapes of botocore's models.
"""

from __future__ import annotations

import enum

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

AwsFailure = ClientError | BotoCoreError | HTTPError
"""What a call of a botocore client raises. Use `AWS_FAILURES` in an except clause.

urllib3's own error comes through where an error answer of GetObject breaks off, which botocore reads late.
"""

AWS_FAILURES = (ClientError, BotoCoreError, HTTPError)


class Trouble(enum.Enum):
    TRANSIENT = "transient"  # a throttle, a 5xx, a time-out, a broken connection
    PERMISSION = "permission"  # a policy must be changed, or the credentials have expired
    MISSING = "missing"  # the thing that was named does not exist
    PERMANENT = "permanent"  # the request itself cannot succeed


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
_PERMISSION_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccountProblem",
        "AllAccessDisabled",
        "ExpiredToken",
        "ExpiredTokenException",
        "Forbidden",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
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
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
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


def classify(error: AwsFailure) -> Trouble:
    """What kind of trouble `error` is; unknown codes are judged by their HTTP status."""
    if isinstance(error, ClientError):
        return _classify_code(error_code(error), http_status(error))
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return Trouble.PERMISSION
    return Trouble.TRANSIENT if isinstance(error, _TRANSIENT_EXCEPTIONS) else Trouble.PERMANENT


def _classify_code(code: str, status: int) -> Trouble:
    if code in _TRANSIENT_CODES or status >= _HTTP_SERVER_ERROR or status == _HTTP_TOO_MANY_REQUESTS:
        return Trouble.TRANSIENT
    if code in _PERMISSION_CODES or code.startswith("AccessDenied"):
        return Trouble.PERMISSION
    if code in _MISSING_CODES:
        return Trouble.MISSING
    if status == _HTTP_FORBIDDEN:
        return Trouble.PERMISSION
    return Trouble.MISSING if status == _HTTP_NOT_FOUND else Trouble.PERMANENT


def is_transient(error: AwsFailure) -> bool:
    return classify(error) is Trouble.TRANSIENT


def error_code(error: AwsFailure) -> str:
    """AWS's name of the error (`ThrottlingException`), or botocore's class name."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def error_message(error: AwsFailure) -> str:
    """AWS's own words, without botocore's frame around them."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message") or error_code(error))
    return str(error)


def http_status(error: ClientError) -> int:
    """The HTTP status of the answer, 0 if there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))

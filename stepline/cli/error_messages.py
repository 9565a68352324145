"""Any error that the user's setting or AWS causes, as one line that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import exceptions as botocore_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

from stepline.cli.texts import one_line
from stepline.errors import UsageError

_SIGN_IN = "sign in, or set AWS_PROFILE or --profile"

# Error codes by which AWS says "later" (botocore's standard retry mode, and the ones of the JSON services).
THROTTLE_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)

_EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID_CODES = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
)
_FIRST_SERVER_ERROR = 500  # HTTP status


def explain(error: Exception) -> str:
    """One line for `error`; what is neither the user's nor AWS's doing is named as a bug."""
    return one_line(_explain(error))


def is_transient(error: Exception) -> bool:
    """True for a throttle, a server error or a lost connection: asking again may well succeed."""
    if isinstance(error, botocore_errors.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in THROTTLE_CODES or status >= _FIRST_SERVER_ERROR
    return isinstance(error, botocore_errors.HTTPClientError | botocore_errors.ConnectionError)


def error_code(error: botocore_errors.ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "Unknown")


def _explain(error: Exception) -> str:
    match error:
        case UsageError():
            return str(error)
        case botocore_errors.ClientError():
            return _client_error(error)
        case botocore_errors.EndpointConnectionError() | botocore_errors.ConnectTimeoutError():
            return _no_connection(error.kwargs)
        case botocore_errors.ProfileNotFound():
            return f"{error}: see `aws configure list-profiles`"
        case botocore_errors.NoRegionError():
            return "no region is set: use --region, or set AWS_REGION"
        case botocore_errors.NoCredentialsError() | botocore_errors.PartialCredentialsError():
            return (
                f"no AWS credentials were found, and no local AWS runs: {_SIGN_IN}, "
                "or start the local AWS with `stepline up`"
            )
        case botocore_errors.TokenRetrievalError() | botocore_errors.SSOError():
            return f"{error}: run `aws sso login`"
        case botocore_errors.BotoCoreError():
            return str(error)
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return f"unexpected {type(error).__name__}: {error} (STEPLINE_DEBUG=1 shows where)"


def _client_error(error: botocore_errors.ClientError) -> str:
    code = error_code(error)
    message = error.response.get("Error", {}).get("Message", "") or "no message"
    if code in _EXPIRED_CODES:
        return f"the AWS credentials have expired: {_SIGN_IN}"
    if code in _INVALID_CODES:
        return f"AWS does not accept the credentials ({code}): {_SIGN_IN}"
    return f"{error.operation_name}: {code}: {message}"


def _no_connection(fields: Mapping[str, object]) -> str:
    endpoint = str(fields.get("endpoint_url", "the endpoint")).rstrip("/")
    if "127.0.0.1" in endpoint or "localhost" in endpoint:
        return f"nothing answers at {endpoint}: start it with `stepline up`, or unset AWS_ENDPOINT_URL"
    return f"cannot connect to {endpoint}: check the network, --region and --endpoint-url"

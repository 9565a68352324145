"""Turns errors into messages of one line that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import exceptions as botocore_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

from stepline.core.aws_errors import (
    EXPIRED_CREDENTIALS_CODES,
    INVALID_CREDENTIALS_CODES,
    error_code,
    error_message,
)
from stepline.core.errors import SteplineError
from stepline.core.text import one_line

_SIGN_IN = "sign in, or set AWS_PROFILE or --profile"


def explain(error: Exception) -> str:
    """Return one line for `error`; an error of an unknown class is reported as a bug."""
    return one_line(_explain(error))


def _explain(error: Exception) -> str:
    match error:
        case SteplineError():
            return error.message
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
                f"no AWS credentials were found, and no local AWS is running: {_SIGN_IN}, "
                "or start the local AWS with `stepline up`"
            )
        case botocore_errors.TokenRetrievalError() | botocore_errors.SSOError():
            return f"{error}: run `aws sso login`"
        case botocore_errors.BotoCoreError():
            return str(error)
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return f"unexpected {type(error).__name__}: {error} (set STEPLINE_DEBUG=1 to see the traceback)"


def _client_error(error: botocore_errors.ClientError) -> str:
    code = error_code(error)
    if code in EXPIRED_CREDENTIALS_CODES:
        return f"the AWS credentials have expired: {_SIGN_IN}"
    if code in INVALID_CREDENTIALS_CODES:
        return f"AWS does not accept the credentials ({code}): {_SIGN_IN}"
    return f"{error.operation_name}: {code}: {error_message(error)}"


def _no_connection(fields: Mapping[str, object]) -> str:
    endpoint = str(fields.get("endpoint_url", "the endpoint")).rstrip("/")
    if "127.0.0.1" in endpoint or "localhost" in endpoint:
        return (
            f"cannot connect to {endpoint}: start the local AWS with `stepline up`, or unset AWS_ENDPOINT_URL"
        )
    return f"cannot connect to {endpoint}: check the network, --region and --endpoint-url"

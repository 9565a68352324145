"""The kinds of botocore's errors."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from stepline.core.aws_errors import AwsFailure, FailureKind, classify


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (client_error("ThrottlingException"), FailureKind.TRANSIENT),
        (client_error("UnknownError", 500), FailureKind.TRANSIENT),
        (client_error("UnknownError", 503), FailureKind.TRANSIENT),
        (client_error("UnknownError", 429), FailureKind.TRANSIENT),
        (client_error("UnknownError", 403), FailureKind.PERMISSION),
        (client_error("UnknownError", 404), FailureKind.MISSING),
        (client_error("UnknownError", 400), FailureKind.PERMANENT),
        (client_error("AccessDenied", 403), FailureKind.PERMISSION),
        (client_error("AccessDeniedException"), FailureKind.PERMISSION),
        (client_error("ExpiredTokenException"), FailureKind.PERMISSION),
        (client_error("NoSuchKey", 404), FailureKind.MISSING),
        (client_error("InvalidArn"), FailureKind.PERMANENT),
        (ReadTimeoutError(endpoint_url="x"), FailureKind.TRANSIENT),
        (ConnectTimeoutError(endpoint_url="x"), FailureKind.TRANSIENT),
        (EndpointConnectionError(endpoint_url="x"), FailureKind.TRANSIENT),
        (NoCredentialsError(), FailureKind.PERMISSION),
        (ParamValidationError(report="x"), FailureKind.PERMANENT),
    ],
)
def test_error_is_classified(error: AwsFailure, kind: FailureKind) -> None:
    assert classify(error) is kind

"""The errors of AWS Batch: https://docs.aws.amazon.com/batch/latest/APIReference/CommonErrors.html"""

from __future__ import annotations

from stepline.localaws.protocol import AwsError


def client_error(message: str) -> AwsError:
    """The one error for whatever the caller did wrong [model]."""
    return AwsError(message, code="ClientException")


def not_supported(what: str) -> AwsError:
    """Said by name, rather than run a job otherwise than was asked for."""
    return client_error(f"the local AWS of stepline does not support {what}")

"""The errors of AWS Batch: https://docs.aws.amazon.com/batch/latest/APIReference/CommonErrors.html"""

from __future__ import annotations

from stepline.core.errors import SteplineError
from stepline.localaws.protocol import AwsError


class ClientException(AwsError):
    """The request is not valid; Batch has this one error for all such requests [model]."""


class ContainerError(SteplineError):
    """A container cannot be started. The message is the container's `reason`, as Fargate writes it."""


def not_supported(feature: str) -> ClientException:
    return ClientException(f"The local AWS does not support {feature}")

"""The AWS clients of the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from statemachines import clients

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Aws:
    """What a task talks to that hands a template to CloudFormation."""

    cloudformation: CloudFormationClient
    s3: S3Client


def aws() -> Aws:
    return Aws(cloudformation(), s3())


def cloudformation() -> CloudFormationClient:
    return cast("CloudFormationClient", clients.client("cloudformation"))


def s3() -> S3Client:
    return cast("S3Client", clients.client("s3"))

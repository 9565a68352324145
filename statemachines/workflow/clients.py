"""The AWS clients of the macro."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from statemachines import clients

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


def stepfunctions() -> SFNClient:
    return cast("SFNClient", clients.client("stepfunctions"))


def s3() -> S3Client:
    return cast("S3Client", clients.client("s3"))

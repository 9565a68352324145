"""The AWS clients of the tasks: built once per container, when first needed.

botocore, not boto3: the same clients without the import of a layer that is not used.
`AWS_ENDPOINT_URL` is honoured, so the same functions work against a local AWS.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

CONFIG: Final = Config(
    connect_timeout=3,
    read_timeout=12,  # a function has 60 seconds, and an answer of CloudFormation takes one or two
    retries={"mode": "standard", "total_max_attempts": 3},  # the state machine retries, too
)


@dataclass(frozen=True)
class Aws:
    """What a task talks to that hands a template to CloudFormation."""

    cloudformation: CloudFormationClient
    s3: S3Client


def aws() -> Aws:
    return Aws(cloudformation(), s3())


@functools.cache
def cloudformation() -> CloudFormationClient:
    return cast("CloudFormationClient", _client("cloudformation"))


@functools.cache
def s3() -> S3Client:
    return cast("S3Client", _client("s3"))


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def _client(service: str) -> Any:
    return _session().create_client(service, config=CONFIG)

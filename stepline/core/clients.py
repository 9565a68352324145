"""AWS clients of Lambda functions: each built once per container, when it is first needed.

botocore, not boto3: it makes the same clients, and boto3's import is a good part of a cold start.
`AWS_ENDPOINT_URL` is honoured, so the same functions work against a local AWS.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, cast

import botocore.session
from botocore.config import Config

from stepline.core.limits import CONNECT_TIMEOUT_SECONDS, MAX_ATTEMPTS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

_READ_TIMEOUT_SECONDS: Final = 12
"""A task has 60 seconds [ours], and CloudFormation answers within one or two."""


def client_config(*, read_timeout_seconds: float, max_attempts: int = MAX_ATTEMPTS, **options: Any) -> Config:
    """The configuration of all clients of functions. State machines and CodePipeline retry, too."""
    return Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": max_attempts},
        tcp_keepalive=True,
        user_agent_extra="stepline",
        **options,
    )


@functools.cache
def client(service: str) -> Any:
    """The client of `service` under the function's role."""
    return _session().create_client(service, config=client_config(read_timeout_seconds=_READ_TIMEOUT_SECONDS))


def cloudformation() -> CloudFormationClient:
    return cast("CloudFormationClient", client("cloudformation"))


def s3() -> S3Client:
    return cast("S3Client", client("s3"))


def stepfunctions() -> SFNClient:
    return cast("SFNClient", client("stepfunctions"))


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()

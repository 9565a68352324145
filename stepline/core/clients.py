"""AWS clients of Lambda functions, each created once per container when it is first used.

They are created with botocore: it makes the same clients as boto3, whose import is a large part of a cold
start. botocore reads `AWS_ENDPOINT_URL`, so the same functions work with a local AWS.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, Final, cast

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config

from stepline.core.limits import CONNECT_TIMEOUT_SECONDS, MAX_ATTEMPTS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

_READ_TIMEOUT_SECONDS: Final = 12
"""A task has 60 seconds [ours], and CloudFormation responds within one or two."""

for _name in ("botocore", "urllib3"):
    # Their debug messages hold signed requests; no log level of a function may switch them on.
    logging.getLogger(_name).setLevel(logging.WARNING)


def client_config(*, read_timeout_seconds: float, max_attempts: int = MAX_ATTEMPTS, **options: Any) -> Config:
    """Return the configuration of clients of functions. State machines and CodePipeline retry, too."""
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
    """Return the client of `service`, which uses the function's role."""
    return _session().create_client(service, config=client_config(read_timeout_seconds=_READ_TIMEOUT_SECONDS))


def cloudformation() -> CloudFormationClient:
    return cast("CloudFormationClient", client("cloudformation"))


def codepipeline() -> CodePipelineClient:
    return cast("CodePipelineClient", client("codepipeline"))


def dynamodb() -> Any:
    return client("dynamodb")


def iam() -> IAMClient:
    return cast("IAMClient", client("iam"))


def s3() -> S3Client:
    return cast("S3Client", client("s3"))


def sns() -> Any:
    return client("sns")


def stepfunctions() -> SFNClient:
    return cast("SFNClient", client("stepfunctions"))


@functools.cache
def unsigned_sts() -> STSClient:
    """Return a client that signs nothing: it sends requests that somebody else has signed."""
    config = client_config(read_timeout_seconds=_READ_TIMEOUT_SECONDS, signature_version=UNSIGNED)
    return cast("STSClient", _session().create_client("sts", config=config))


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()

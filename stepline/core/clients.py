"""AWS clients of Lambda functions, each created once per container when it is first used.

They are created with botocore: it makes the same clients as boto3, whose import is a large part of a cold
start. botocore reads `AWS_ENDPOINT_URL`, so the same functions work with a local AWS.
"""

from __future__ import annotations

import contextvars
import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)

from stepline.core.limits import CONNECT_TIMEOUT_SECONDS, MAX_ATTEMPTS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

_READ_TIMEOUT_SECONDS: Final = 12
"""A task has 60 seconds [ours], and CloudFormation responds within one or two."""

_MAX_ROLE_CLIENTS: Final = 64
"""Clients of assumed roles that a container keeps [ours]; each has 1 to 2 MB."""

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


@dataclass(frozen=True)
class AssumedRole:
    """A role that a function assumes, and the region of its clients. `tags` are the session's."""

    arn: str
    region: str
    external_id: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]


_assumed: contextvars.ContextVar[AssumedRole | None] = contextvars.ContextVar("assumed", default=None)


@contextmanager
def assuming(role: AssumedRole | None) -> Iterator[None]:
    """Let CloudFormation, CloudWatch and IAM be called with the role; None: with the function's own."""
    token = _assumed.set(role)
    try:
        yield
    finally:
        _assumed.reset(token)


def assumed_role() -> AssumedRole | None:
    return _assumed.get()


def cloudformation() -> CloudFormationClient:
    return cast("CloudFormationClient", _assumed_client("cloudformation"))


def cloudformation_of(role: AssumedRole | None) -> CloudFormationClient:
    """Return a client that uses the role; None: the function's own."""
    with assuming(role):
        return cloudformation()


def cloudwatch() -> CloudWatchClient:
    return cast("CloudWatchClient", _assumed_client("cloudwatch"))


def codepipeline() -> CodePipelineClient:
    return cast("CodePipelineClient", client("codepipeline"))


def dynamodb() -> Any:
    return client("dynamodb")


def iam() -> IAMClient:
    return cast("IAMClient", _assumed_client("iam"))


def s3() -> S3Client:
    return cast("S3Client", client("s3"))


def sns() -> Any:
    return client("sns")


def stepfunctions() -> SFNClient:
    return cast("SFNClient", client("stepfunctions"))


def _assumed_client(service: str) -> Any:
    role = assumed_role()
    return client(service) if role is None else _client_of_role(service, role)


@functools.lru_cache(maxsize=_MAX_ROLE_CLIENTS)
def _client_of_role(service: str, role: AssumedRole) -> Any:
    config = client_config(read_timeout_seconds=_READ_TIMEOUT_SECONDS)
    return _session_of_role(role).create_client(service, region_name=role.region, config=config)


@functools.lru_cache(maxsize=_MAX_ROLE_CLIENTS)
def _session_of_role(role: AssumedRole) -> botocore.session.Session:
    """Return a session that assumes the role when it needs credentials, and again before they expire."""
    session = botocore.session.Session()
    session.register_component("data_loader", _session().get_component("data_loader"))
    session.register_component("credential_provider", CredentialResolver([_RoleProvider(role)]))
    return session


class _RoleProvider(CredentialProvider):
    """Provides the credentials of an assumed role to a botocore session."""

    METHOD = "assume-role"

    def __init__(self, role: AssumedRole) -> None:
        super().__init__()
        self._role = role

    def load(self) -> DeferredRefreshableCredentials:
        options: dict[str, Any] = {"RoleSessionName": "stepline"}
        if self._role.external_id:
            options["ExternalId"] = self._role.external_id
        if self._role.tags:
            options["Tags"] = [{"Key": name, "Value": value} for name, value in self._role.tags]
        fetcher = AssumeRoleCredentialFetcher(
            functools.partial(
                _session().create_client,
                config=client_config(read_timeout_seconds=_READ_TIMEOUT_SECONDS),
            ),
            _session().get_credentials(),
            self._role.arn,
            extra_args=options,
        )
        return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)


@functools.cache
def unsigned_sts() -> STSClient:
    """Return a client that signs nothing: it sends requests that somebody else has signed."""
    config = client_config(read_timeout_seconds=_READ_TIMEOUT_SECONDS, signature_version=UNSIGNED)
    return cast("STSClient", _session().create_client("sts", config=config))


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()

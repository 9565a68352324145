"""botocore clients, each made when it is first needed.

botocore alone makes the same clients as boto3, and its import is a good part of a cold
start. The two that a poll needs are made at the cold start, the others when a job turns
out to need them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import botocore.session

from pipeline.limits import MAX_ANSWER_ATTEMPTS, READ_TIMEOUT_SECONDS
from stepline.core.clients import client_config
from stepline.core.limits import MAX_ATTEMPTS

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

    from pipeline.job import Credentials


class Clients(Protocol):
    """What the trigger needs of AWS. `AwsClients` is AWS; tests have their own."""

    @property
    def stepfunctions(self) -> SFNClient: ...

    @property
    def codepipeline(self) -> CodePipelineClient: ...

    @property
    def s3(self) -> S3Client:
        """With the function's own role."""

    def artifact_s3(self, credentials: Credentials) -> S3Client:
        """With the job's credentials, which are good for the artifact store only."""

    def sync_stepfunctions(self, wait_seconds: float) -> SFNClient:
        """For StartSyncExecution: waits that long for the answer, and never sends a request twice."""


class AwsClients:
    """Clients of the function's region, or of `AWS_ENDPOINT_URL` where that is set."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._session = botocore.session.get_session()

    @functools.cached_property
    def stepfunctions(self) -> SFNClient:
        client: SFNClient = self._client("stepfunctions", _config())
        return client

    @functools.cached_property
    def codepipeline(self) -> CodePipelineClient:
        client: CodePipelineClient = self._client("codepipeline", _config(max_attempts=MAX_ANSWER_ATTEMPTS))
        return client

    @functools.cached_property
    def s3(self) -> S3Client:
        client: S3Client = self._client("s3", self._s3_config())
        return client

    def artifact_s3(self, credentials: Credentials) -> S3Client:
        client: S3Client = self._client(
            "s3",
            self._s3_config(),
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
        )
        return client

    def sync_stepfunctions(self, wait_seconds: float) -> SFNClient:
        config = _config(
            max_attempts=1,
            read_timeout_seconds=wait_seconds,
            # AWS's endpoint for it is sync-states.<region>; another endpoint has no such name.
            inject_host_prefix=not self._has_own_endpoint("SFN"),
        )
        client: SFNClient = self._client("stepfunctions", config)
        return client

    def _client(self, service: str, config: Config, **credentials: Any) -> Any:
        region = self._environment.get("AWS_REGION") or None
        return self._session.create_client(service, region_name=region, config=config, **credentials)

    def _s3_config(self) -> Config:
        """Signature 4 is what KMS demands; a bucket's name is part of the host on AWS only."""
        return _config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if self._has_own_endpoint("S3") else "auto"},
            response_checksum_validation="when_required",  # S3 has no checksums of ranges
        )

    def _has_own_endpoint(self, service_id: str) -> bool:
        names = ("AWS_ENDPOINT_URL", f"AWS_ENDPOINT_URL_{service_id}")
        return any(self._environment.get(name) for name in names)


def _config(
    *, max_attempts: int = MAX_ATTEMPTS, read_timeout_seconds: float = READ_TIMEOUT_SECONDS, **options: Any
) -> Config:
    return client_config(read_timeout_seconds=read_timeout_seconds, max_attempts=max_attempts, **options)

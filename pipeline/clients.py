"""AWS clients of the trigger and the worker, each created when it is first used.

They are created with botocore: it makes the same clients as boto3, whose import is a large part of a cold
start. The two clients that every poll needs are created at the cold start.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

import botocore.session

from pipeline.limits import MAX_RESULT_ATTEMPTS, READ_TIMEOUT_SECONDS
from stepline.core.clients import client_config

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_stepfunctions import SFNClient

    from pipeline.job_event import Credentials


class Clients(Protocol):
    """The clients that the trigger needs: `AwsClients`, or those of tests."""

    @property
    def stepfunctions(self) -> SFNClient: ...

    @property
    def codepipeline(self) -> CodePipelineClient: ...

    @property
    def dynamodb(self) -> DynamoDBClient: ...

    @property
    def scheduler(self) -> EventBridgeSchedulerClient: ...

    @property
    def s3(self) -> S3Client:
        """The client that uses the function's role."""

    def artifact_s3(self, credentials: Credentials) -> S3Client:
        """Return a client that uses the job's credentials, for the artifact store."""

    def sync_stepfunctions(self, wait_seconds: float) -> SFNClient:
        """Return a client for StartSyncExecution: it waits for so long, and never sends a request twice."""


class AwsClients:
    """Clients in the function's region, or of `AWS_ENDPOINT_URL` if that is set."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._session = botocore.session.get_session()

    @functools.cached_property
    def stepfunctions(self) -> SFNClient:
        return cast("SFNClient", self._client("stepfunctions"))

    @functools.cached_property
    def codepipeline(self) -> CodePipelineClient:
        return cast("CodePipelineClient", self._client("codepipeline", max_attempts=MAX_RESULT_ATTEMPTS))

    @functools.cached_property
    def dynamodb(self) -> DynamoDBClient:
        return cast("DynamoDBClient", self._client("dynamodb"))

    @functools.cached_property
    def scheduler(self) -> EventBridgeSchedulerClient:
        return cast("EventBridgeSchedulerClient", self._client("scheduler"))

    @functools.cached_property
    def s3(self) -> S3Client:
        return self._s3()

    def artifact_s3(self, credentials: Credentials) -> S3Client:
        return self._s3(
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
        )

    def sync_stepfunctions(self, wait_seconds: float) -> SFNClient:
        client = self._client(
            "stepfunctions",
            max_attempts=1,
            read_timeout_seconds=wait_seconds,
            # AWS's endpoint of this operation is sync-states.<region>; other endpoints have no such host
            # name.
            inject_host_prefix=not self._has_own_endpoint("SFN"),
        )
        return cast("SFNClient", client)

    def _s3(self, **credentials: Any) -> S3Client:
        client = self._client(
            "s3",
            credentials,
            signature_version="s3v4",  # required by KMS
            # Only AWS's endpoints have host names that contain the bucket.
            s3={"addressing_style": "path" if self._has_own_endpoint("S3") else "auto"},
            response_checksum_validation="when_required",  # S3 has no checksums of ranges
        )
        return cast("S3Client", client)

    def _client(self, service: str, credentials: Mapping[str, Any] | None = None, **options: Any) -> Any:
        config = client_config(**{"read_timeout_seconds": READ_TIMEOUT_SECONDS, **options})
        region = self._environment.get("AWS_REGION") or None
        return self._session.create_client(service, region_name=region, config=config, **(credentials or {}))

    def _has_own_endpoint(self, service_id: str) -> bool:
        names = ("AWS_ENDPOINT_URL", f"AWS_ENDPOINT_URL_{service_id}")
        return any(self._environment.get(name) for name in names)

"""The S3 source.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError

from stepline.core.aws_errors import FailureKind, classify, error_code
from stepline.core.failure_types import FailureType
from stepline.core.limits import MIB
from stepline.core.local_aws import DEFAULT_REGION
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, aws_type
from stepline.localaws.codepipeline.actions.source import source_provider
from stepline.localaws.codepipeline.results import Revision
from stepline.localaws.codepipeline.settings import SPOOLED_BYTES
from stepline.localaws.codepipeline.source_changes import SourceChange, SourceKind, is_set
from stepline.localaws.codepipeline.sources import Configuration, Overrides, SourceError


class S3Source:
    """An object, which must be a zip, in a bucket with versioning. `client`: boto3's s3 client."""

    def __init__(self, client: Any, *, region: str = DEFAULT_REGION) -> None:
        self._client = client
        self._region = region

    def latest(self, configuration: Configuration, *, overrides: Overrides) -> Revision:
        bucket = configuration["S3Bucket"]
        key = overrides.get("S3_OBJECT_KEY") or configuration["S3ObjectKey"]
        version = overrides.get("S3_OBJECT_VERSION_ID")
        which = {"VersionId": version} if version else {}
        try:
            versioning = self._client.get_bucket_versioning(Bucket=bucket)
            head = self._client.head_object(Bucket=bucket, Key=key, **which)
        except ClientError as error:
            raise _s3_error(error, bucket, key) from error
        if "Status" not in versioning or "VersionId" not in head:
            raise SourceError(
                FailureType.CONFIGURATION_ERROR,
                f"The Amazon S3 bucket {bucket} does not have versioning enabled. A source bucket needs it.",
            )
        return Revision(
            id=head["VersionId"],
            summary=f"Amazon S3 version id: {head['VersionId']}",
            created=head.get("LastModified"),
            url=f"https://{self._region}.console.aws.amazon.com/s3/object/{bucket}?prefix={key}",
            variables={
                "BucketName": bucket,
                "ETag": head["ETag"].strip('"'),
                "ObjectKey": key,
                "VersionId": head["VersionId"],
            },
        )

    @contextmanager
    def fetch(self, configuration: Configuration, revision: Revision) -> Iterator[BinaryIO]:
        del configuration  # the revision names bucket and key: an override may have changed the key
        bucket, key = revision.variables["BucketName"], revision.variables["ObjectKey"]
        try:
            body = self._client.get_object(Bucket=bucket, Key=key, VersionId=revision.id)["Body"]
        except ClientError as error:
            raise _s3_error(error, bucket, key) from error
        with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as file:
            while chunk := body.read(MIB):
                file.write(chunk)
            file.seek(0)
            yield cast("BinaryIO", file)


def _s3_error(error: ClientError, bucket: str, key: str) -> SourceError:
    kind = classify(error)
    # HeadObject's error has no body: a version id that cannot exist is a plain 400.
    if kind is FailureKind.MISSING or error_code(error) == "400":
        return SourceError(
            FailureType.REVISION_UNAVAILABLE,
            "The action failed because either the specified Amazon S3 bucket or object does not exist: "
            f"bucket {bucket}, object key {key}.",
        )
    return SourceError(
        FailureType.PERMISSION_ERROR if kind is FailureKind.PERMISSION else FailureType.SYSTEM_UNAVAILABLE,
        f"Unable to access the artifact with Amazon S3 object key '{key}' located in the Amazon S3 "
        f"bucket '{bucket}'. {error}",
    )


def _entity_url(configuration: Configuration, region: str) -> str:
    return f"https://{region}.console.aws.amazon.com/s3/buckets/{configuration['S3Bucket']}"


def _reads(configuration: Configuration, change: SourceChange) -> bool:
    return change.kind is SourceKind.S3 and change.name == configuration["S3Bucket"]


def _detects(configuration: Configuration, change: SourceChange) -> bool:
    is_object = change.reference == configuration["S3ObjectKey"]
    return is_object and is_set(configuration.get("PollForSourceChanges"))


DEFINITION = ActionTypeDefinition(
    type=aws_type("Source", "S3"),
    inputs=(0, 0),
    outputs=(1, 1),
    required=("S3Bucket", "S3ObjectKey"),
    optional=("PollForSourceChanges", "AllowOverrideForS3ObjectKey"),
    provider=partial(source_provider, "S3"),
    entity_url=_entity_url,
    revision_types=("S3_OBJECT_VERSION_ID", "S3_OBJECT_KEY"),
    reads=_reads,
    detects=_detects,
)

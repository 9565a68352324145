"""A bucket for templates and packages, from which CloudFormation reads them."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stepline.core.object_urls import object_url
from stepline.deployment.template import object_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DEFAULT_REGION = "us-east-1"


class PackageBucket:
    """The bucket is created before the first upload, unless the account has it already."""

    def __init__(self, s3: S3Client, name: str) -> None:
        self._s3 = s3
        self._name = name

    def upload(self, ending: str, content: bytes) -> dict[str, str]:
        """Upload an object whose name is the hash of its content, and return {"Bucket": …, "Key": …}."""
        key = object_key(ending, content)
        self._s3.put_object(Bucket=self._created, Key=key, Body=content)
        return {"Bucket": self._name, "Key": key}

    def url(self, key: str) -> str:
        return object_url(self._s3, self._name, key)

    @cached_property
    def _created(self) -> str:
        # CreateBucket refuses a LocationConstraint of us-east-1, and requires one in any other region.
        region = self._s3.meta.region_name
        location: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):  # not raised in us-east-1
            self._s3.create_bucket(Bucket=self._name, **({} if region == _DEFAULT_REGION else location))
        return self._name

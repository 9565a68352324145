"""The addresses of objects in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def object_url(s3: S3Client, bucket: str, key: str) -> str:
    """Return the object's URL at the region's endpoint, also of other partitions and of the local AWS.

    The bucket is in the path, so that its name may contain dots. (The host of a presigned URL is not that of
    the region, and does not work in regions that must be enabled.)
    """
    return f"{s3.meta.endpoint_url}/{bucket}/{quote(key)}"

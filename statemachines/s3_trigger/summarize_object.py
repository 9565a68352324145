"""Summarize Object: the sample's only task reads the written object and summarizes it.

IAM: s3:GetObject and s3:GetObjectVersion on the bucket's objects (kms:Decrypt with its key); s3:ListBucket on
the bucket, without which S3 returns AccessDenied for a deleted object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from statemachines.s3_trigger.errors import ObjectDeletedError
from statemachines.task import task
from stepline.core import clients
from stepline.core.aws_errors import FailureKind, classify
from stepline.core.fields import Fields, JsonObject
from stepline.core.limits import MIB
from stepline.core.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

MAX_READ_BYTES: Final = 64 * MIB
"""Read of one object [ours], which takes one or two seconds."""

MAX_BEGINNING_CHARACTERS: Final = 200
"""Of the object's text in the result [ours]."""

_CHUNK_BYTES: Final = MIB
_MAX_CHARACTER_BYTES: Final = 4  # of UTF-8


@task("s3-trigger")
def handler(event: Fields) -> JsonObject:
    """`{"bucket", "key", "size", "version"}` -> `{"contentType", "lines", "beginning", "complete"}`.

    `version` is null without versioning. `complete` is false for an object of more than 64 MiB, of which only
    the first lines are counted.
    """
    key = event.value("key")  # which may be blank
    if not isinstance(key, str) or not key:
        raise event.wrong("key", "must be text that is not empty", key)
    version = event.text("version") if "version" in event else None
    return summarize(clients.s3(), event.text("bucket"), key, version)


def summarize(s3: S3Client, bucket: str, key: str, version: str | None) -> JsonObject:
    """Raise `ObjectDeletedError`, or botocore's exceptions."""
    response = _get(s3, bucket, key, version)
    beginning, lines, complete = _read(response["Body"].iter_chunks(_CHUNK_BYTES))
    response["Body"].close()
    return {
        "contentType": response.get("ContentType", ""),
        "lines": lines,
        "beginning": beginning.decode(errors="replace")[:MAX_BEGINNING_CHARACTERS],
        "complete": complete,
    }


def _get(s3: S3Client, bucket: str, key: str, version: str | None) -> GetObjectOutputTypeDef:
    try:
        if version is None:
            return s3.get_object(Bucket=bucket, Key=key)
        return s3.get_object(Bucket=bucket, Key=key, VersionId=version)
    except ClientError as error:
        if classify(error) is FailureKind.MISSING:
            raise ObjectDeletedError(f"{quoted(key)} was deleted from {bucket}.") from error
        raise


def _read(chunks: Iterable[bytes]) -> tuple[bytes, int, bool]:
    """Return the first bytes, the number of lines (the last may lack its end), and whether all was read."""
    beginning, lines, size, last = b"", 0, 0, b"\n"
    for chunk in chunks:
        if size >= MAX_READ_BYTES:
            return beginning, lines, False
        beginning = beginning or chunk[: _MAX_CHARACTER_BYTES * MAX_BEGINNING_CHARACTERS]
        lines += chunk.count(b"\n")
        size += len(chunk)
        last = chunk[-1:]
    return beginning, lines + (last != b"\n"), True

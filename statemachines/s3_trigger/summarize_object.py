"""Summarize Object: the sample's one task reads the written object and tells what is in it.

IAM: s3:GetObject and s3:GetObjectVersion on the bucket's objects (kms:Decrypt with its key); s3:ListBucket
on the bucket, so that an object that is gone is told from one that may not be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from botocore.exceptions import ClientError

from statemachines.fields import Fields, JsonObject
from statemachines.s3_trigger.errors import ObjectGoneError
from statemachines.task import task
from stepline.core import clients
from stepline.core.aws_errors import FailureKind, classify
from stepline.core.limits import MIB
from stepline.core.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

MAX_READ_BYTES: Final = 64 * MIB
"""Read of one object [ours]: a second or two, far within the function's time."""

MAX_BEGINNING_CHARACTERS: Final = 200
"""Of the object's text in the answer [ours]."""

_CHUNK_BYTES: Final = MIB
_MAX_CHARACTER_BYTES: Final = 4  # of UTF-8


@dataclass(frozen=True)
class Event:
    """The execution's input: `{"bucket", "key", "size", "version": null without versioning}`."""

    bucket: str
    key: str
    version: str | None

    @classmethod
    def parse(cls, event: Fields) -> Self:
        key = event.value("key")  # which may be blank
        if not isinstance(key, str) or not key:
            raise event.wrong("key", "must be text that is not empty", key)
        version = event.text("version") if "version" in event else None
        return cls(bucket=event.text("bucket"), key=key, version=version)


@task("s3-trigger")
def handler(event: Fields) -> JsonObject:
    """Answers `{"contentType", "lines", "beginning", "complete"}`.

    `complete` is false for an object of more than 64 MiB, whose further lines are not counted.
    """
    return summarize(clients.s3(), Event.parse(event))


def summarize(s3: S3Client, event: Event) -> JsonObject:
    """Raises `ObjectGoneError`, or botocore's errors."""
    answer = _get(s3, event)
    beginning, lines, complete = _read(answer["Body"].iter_chunks(_CHUNK_BYTES))
    answer["Body"].close()
    return {
        "contentType": answer.get("ContentType", ""),
        "lines": lines,
        "beginning": beginning.decode(errors="replace")[:MAX_BEGINNING_CHARACTERS],
        "complete": complete,
    }


def _get(s3: S3Client, event: Event) -> GetObjectOutputTypeDef:
    try:
        if event.version is None:
            return s3.get_object(Bucket=event.bucket, Key=event.key)
        return s3.get_object(Bucket=event.bucket, Key=event.key, VersionId=event.version)
    except ClientError as error:
        if classify(error) is FailureKind.MISSING:
            raise ObjectGoneError(
                f"{quoted(event.key)} was deleted from {event.bucket} meanwhile."
            ) from error
        raise


def _read(chunks: Iterable[bytes]) -> tuple[bytes, int, bool]:
    """The first bytes, the number of lines (the last may lack its end), and whether that is all."""
    beginning, lines, size, last = b"", 0, 0, b"\n"
    for chunk in chunks:
        if size >= MAX_READ_BYTES:
            return beginning, lines, False
        beginning = beginning or chunk[: _MAX_CHARACTER_BYTES * MAX_BEGINNING_CHARACTERS]
        lines += chunk.count(b"\n")
        size += len(chunk)
        last = chunk[-1:]
    return beginning, lines + (last != b"\n"), True

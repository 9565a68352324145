"""Takes apart the events that tell of a written object: S3's own and CloudTrail's.

S3's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html (the key is not URL-encoded there).
CloudTrail's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html
and https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from statemachines.fields import Fields
from statemachines.s3_trigger.errors import EventNotUnderstoodError
from stepline.core.text import is_unicode, quoted

MAX_KEY_BYTES: Final = 1_024
"""Length of an object's key, as UTF-8 (S3 User Guide, "Naming Amazon S3 objects" [doc])."""

WRITING_CALLS: Final = ("CompleteMultipartUpload", "CopyObject", "PostObject", "PutObject")
"""CloudTrail's names of the API calls that write an object: no other one does."""

_NO_VERSION: Final = "null"
"""The version of objects that were written while the bucket's versioning was off or suspended."""


class _Kind(StrEnum):
    """The `detail-type` of an event."""

    NOTIFICATION = "Object Created"
    RECORD = "AWS API Call via CloudTrail"


@dataclass(frozen=True)
class ObjectWrite:
    """One write of one object.

    `write_id` tells this write from every other one of the same key, and is the same if the event comes
    again. `version` is None without versioning; `size_bytes` is None where the event does not tell it.
    """

    bucket: str
    key: str
    version: str | None
    write_id: str
    size_bytes: int | None


@dataclass(frozen=True)
class Ignored:
    """An event, or a write, that starts nothing. `reason` is the end of a sentence."""

    reason: str


def read_event(event: Fields) -> ObjectWrite | Ignored:
    """Raises `InvalidInputError` or `EventNotUnderstoodError`, which name what is missing."""
    kind = event.text("detail-type")
    match kind:
        case _Kind.NOTIFICATION:
            return _notified(event.section("detail"))
        case _Kind.RECORD:
            return _recorded(event.section("detail"))
        case _:
            return Ignored(f"{quoted(kind)} is not the writing of an object")


def _notified(detail: Fields) -> ObjectWrite:
    """`sequencer` grows with each write of a key: it is what tells them apart without versions."""
    written = detail.section("object")
    version = _version(written, "version-id")
    return ObjectWrite(
        bucket=detail.section("bucket").text("name"),
        key=_key(written),
        version=version,
        write_id=version or written.text("sequencer"),
        size_bytes=written.count("size"),
    )


def _recorded(record: Fields) -> ObjectWrite | Ignored:
    """The record tells how many bytes were transferred, which is not the size of a copy or of parts."""
    call = record.text("eventName")
    if call not in WRITING_CALLS:
        return Ignored(f"{quoted(call)} writes no object")
    if "errorCode" in record:
        return Ignored(f"{call} failed with {quoted(record.text('errorCode'))}")
    request = record.section("requestParameters")
    version = None
    if "responseElements" in record:
        version = _version(record.section("responseElements"), "x-amz-version-id")
    return ObjectWrite(
        bucket=request.text("bucketName"),
        key=_key(request),
        version=version,
        write_id=version or record.text("eventID"),
        size_bytes=None,
    )


def _key(fields: Fields) -> str:
    """As it is: a key may be blank, and what looks like an escape in it is none."""
    key = fields.value("key")
    if not isinstance(key, str) or not key or not is_unicode(key):
        raise EventNotUnderstoodError('The event\'s "key" is not the key of an object.')
    if len(key.encode()) > MAX_KEY_BYTES:
        raise EventNotUnderstoodError(f'The event\'s "key" has more than {MAX_KEY_BYTES:,} bytes.')
    return key


def _version(fields: Fields, name: str) -> str | None:
    return known_version(fields.text(name)) if name in fields else None


def known_version(version: str | None) -> str | None:
    """None for an object without a version."""
    return None if version in {None, _NO_VERSION} else version

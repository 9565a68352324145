"""Parses the events of written objects: those of S3 and those of CloudTrail.

S3's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html (the key is not URL-encoded there).
CloudTrail's:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html and
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from statemachines.s3_trigger.errors import InvalidEventError
from stepline.core.fields import Fields
from stepline.core.text import is_unicode, quoted

MAX_KEY_BYTES: Final = 1_024
"""Length of an object's key as UTF-8 (S3 User Guide, "Naming Amazon S3 objects" [doc])."""

WRITE_CALLS: Final = ("CompleteMultipartUpload", "CopyObject", "PostObject", "PutObject")
"""All API calls that write an object, as CloudTrail names them."""

_NO_VERSION: Final = "null"
"""The version of objects that were written while the bucket's versioning was disabled or suspended."""


class _Kind(StrEnum):
    """The `detail-type` of an event."""

    NOTIFICATION = "Object Created"
    RECORD = "AWS API Call via CloudTrail"


@dataclass(frozen=True)
class ObjectWrite:
    """One write of one object.

    `write_id` differs from that of any other write of the same key, and is the same if the event is repeated.
    `version` is None without versioning; `size_bytes` is None if the event does not contain it.
    """

    bucket: str
    key: str
    version: str | None
    write_id: str
    size_bytes: int | None


@dataclass(frozen=True)
class Ignored:
    """An event that starts nothing. `reason` is a clause."""

    reason: str


def read_event(event: Fields) -> ObjectWrite | Ignored:
    """Parse an event. Raise `InvalidInputError` or `InvalidEventError`, naming what is missing."""
    kind = event.text("detail-type")
    match kind:
        case _Kind.NOTIFICATION:
            return _parse_notification(event.section("detail"))
        case _Kind.RECORD:
            return _parse_record(event.section("detail"))
        case _:
            return Ignored(f"{quoted(kind)} is not an event of a written object")


def _parse_notification(detail: Fields) -> ObjectWrite:
    """Parse S3's event. Its `sequencer` grows with each write of a key; it identifies unversioned writes."""
    written = detail.section("object")
    version = _version(written, "version-id")
    return ObjectWrite(
        bucket=detail.section("bucket").text("name"),
        key=_key(written),
        version=version,
        write_id=version or written.text("sequencer"),
        size_bytes=written.count("size"),
    )


def _parse_record(record: Fields) -> ObjectWrite | Ignored:
    """Parse CloudTrail's event. It contains the bytes transferred, but not the size of a copy or of parts."""
    call = record.text("eventName")
    if call not in WRITE_CALLS:
        return Ignored(f"{quoted(call)} does not write an object")
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
    """Return the key unchanged: it may be blank, and it is not URL-encoded."""
    key = fields.value("key")
    if not isinstance(key, str) or not key or not is_unicode(key):
        raise InvalidEventError('The event\'s "key" is not the key of an object.')
    if len(key.encode()) > MAX_KEY_BYTES:
        raise InvalidEventError(f'The event\'s "key" has more than {MAX_KEY_BYTES:,} bytes.')
    return key


def _version(fields: Fields, name: str) -> str | None:
    return known_version(fields.text(name)) if name in fields else None


def known_version(version: str | None) -> str | None:
    """Return the version, or None for an object without one."""
    return None if version in {None, _NO_VERSION} else version

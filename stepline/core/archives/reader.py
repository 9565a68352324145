"""Reads one file of a zip archive in S3 without downloading the archive.

A zip ends with its directory, which lists where each member is. So the end of the object is read first (all
of a small archive, with one request), then, if necessary, the rest of the directory, then the member. Time
and memory depend on the sizes of the directory and the member, not of the archive. Nothing is written to
disk.

`zip_format` reads the format, this module reads from S3.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from stepline.core.archives import file_types, zip_format
from stepline.core.archives.errors import (
    ArtifactFormatError,
    ArtifactMemberNotFoundError,
    ArtifactMemberTooLargeError,
    RevisionUnavailableError,
)
from stepline.core.archives.zip_format import Directory, Member, NotZipError, ZipFormatError
from stepline.core.aws_errors import (
    AWS_FAILURES,
    EMPTY_OBJECT_CODES,
    PRECONDITION_CODES,
    AwsFailure,
    FailureKind,
    error_code,
    translate,
)
from stepline.core.errors import SteplineError, TransientAwsError
from stepline.core.limits import ARCHIVE_TAIL_BYTES, MAX_QUOTED_CHARACTERS, MAX_ZIP_DIRECTORY_BYTES
from stepline.core.text import printable, quoted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, GetObjectRequestTypeDef


class ArtifactReader:
    """Reads members of one zip object in S3 by range requests.

    It keeps the end of the object and its directory: a second member needs one request, or none.
    """

    def __init__(self, s3: S3Client, bucket: str, key: str) -> None:
        self._object = _RangedObject(s3, bucket, key)
        self._directory: Directory | None = None

    def read(self, path: str, *, max_bytes: int) -> bytes:
        """Return the content of the member `path` (a leading `./` or `/` is ignored), at most `max_bytes`.

        Raise, all of them subclasses of `SteplineError`:
          `ArtifactFormatError`: not a zip, corrupt, encrypted, or compressed by an unsupported method;
          `ArtifactMemberNotFoundError`, `ArtifactMemberTooLargeError`;
          `RevisionUnavailableError`: the object does not exist;
          `PermissionDeniedError`: access denied, or the credentials have expired;
          `TransientAwsError`: S3 could not be reached.
        """
        try:
            return self._read(path, max_bytes)
        except ZipFormatError as error:
            message = f"{self._object} cannot be read as a zip archive: {error}."
            raise ArtifactFormatError(message) from error

    def _read(self, path: str, max_bytes: int) -> bytes:
        if self._directory is None:
            self._directory = self._read_directory()
        member = zip_format.find_member(self._directory, path)
        if member is None:
            raise self._not_found(path, zip_format.similar_names(self._directory, path))
        if member.size > max_bytes:
            message = (
                f"{quoted(path)} in {self._object} has {member.size:,} bytes; the limit is {max_bytes:,}."
            )
            raise ArtifactMemberTooLargeError(message, size=member.size, max_bytes=max_bytes)
        zip_format.check_readable(member)
        return zip_format.content(member, self._read_raw(member, self._directory.end.directory_start))

    def _read_directory(self) -> Directory:
        tail = self._object.read_tail(ARCHIVE_TAIL_BYTES)
        try:
            end = zip_format.read_end(tail, self._object.size)
        except NotZipError:
            self._refuse_other_type()
            raise
        if end.directory_size > MAX_ZIP_DIRECTORY_BYTES:
            raise ZipFormatError(
                f"its directory of {end.directory_size:,} bytes is too large: put fewer files into it"
            )
        data = self._object.read(end.directory_start, end.directory_start + end.directory_size)
        return Directory(data, end)

    def _refuse_other_type(self) -> None:
        head = self._object.read(0, min(file_types.HEAD_BYTES, self._object.size))
        if found := file_types.file_type(head):
            raise ZipFormatError(f"it is {found}; an artifact must be a zip archive")

    def _read_raw(self, member: Member, limit: int) -> bytes:
        """Read the member's local header and compressed content, which end before `limit`.

        The header's length is in the header itself. So a little more is read at first, and the rest with a
        second request if that was not enough.
        """
        start = member.header_start
        middle = min(start + member.probable_raw_size, limit)
        raw = self._object.read(start, middle)
        end = start + zip_format.raw_size(member, raw)
        if end > limit:
            raise ZipFormatError("the file overlaps the directory")
        return raw if end <= middle else raw + self._object.read(middle, end)

    def _not_found(self, path: str, similar: list[str]) -> ArtifactMemberNotFoundError:
        hint = f" It contains {' and '.join(quoted(name) for name in similar)}." if similar else ""
        message = f"There is no file {quoted(path)} in {self._object}.{hint}"
        return ArtifactMemberNotFoundError(message)


class _RangedObject:
    """One S3 object, of which ranges of the same version are read."""

    def __init__(self, s3: S3Client, bucket: str, key: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        self._etag: str | None = None
        self._tail = b""
        self.size = 0

    def __str__(self) -> str:
        return f"s3://{printable(self._bucket + '/' + self._key, MAX_QUOTED_CHARACTERS)}"

    def read_tail(self, max_bytes: int) -> bytes:
        """Return the last `max_bytes` of the object, or all of it, and set `size`."""
        response, data = self._get(f"bytes=-{max_bytes}")
        self._etag = response["ETag"]
        self._tail = data
        self.size = (
            int(response["ContentRange"].rpartition("/")[2]) if "ContentRange" in response else len(data)
        )
        return data

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end` (not included). Bytes of the tail are not read again."""
        if not 0 <= start <= end <= self.size:
            raise ZipFormatError("it is corrupt: an offset is outside of the file")
        tail_start = self.size - len(self._tail)
        kept = self._tail[max(start - tail_start, 0) : max(end - tail_start, 0)]
        fetch_end = min(end, tail_start)
        if start >= fetch_end:
            return kept
        _, data = self._get(f"bytes={start}-{fetch_end - 1}")
        return data + kept

    def _get(self, byte_range: str) -> tuple[GetObjectOutputTypeDef, bytes]:
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": self._key, "Range": byte_range}
        if self._etag is not None:
            request["IfMatch"] = self._etag
        try:
            response = self._s3.get_object(**request)
            with closing(response["Body"]) as body:
                return response, body.read()
        except AWS_FAILURES as error:
            raise self._error(error) from error

    def _error(self, error: AwsFailure) -> Exception:
        code = error_code(error)
        if code in EMPTY_OBJECT_CODES:
            return ZipFormatError("it is empty")
        if code in PRECONDITION_CODES:
            return TransientAwsError(f"{self} was replaced while it was being read.")
        return s3_error(error, str(self))


def s3_error(error: AwsFailure, name: str) -> SteplineError:
    """Return the error for a failed read of the object `name` (`s3://bucket/key`)."""
    sentences = {
        FailureKind.TRANSIENT: f"{name} could not be read:",
        FailureKind.PERMISSION: f"No access to {name}. Check that it exists, that the role that reads it may"
        " call s3:GetObject and, for an encrypted bucket, kms:Decrypt, and that its credentials are valid.",
        FailureKind.MISSING: f"{name} does not exist.",
        FailureKind.PERMANENT: f"{name} could not be read:",
    }
    errors = {
        FailureKind.MISSING: RevisionUnavailableError,
        FailureKind.PERMANENT: ArtifactFormatError,
    }
    return translate(error, sentences, errors=errors)

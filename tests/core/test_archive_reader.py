"""Reading one member of a zip archive in S3: contents, requests and errors."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

import pytest
from botocore.exceptions import ReadTimeoutError

from stepline.core.archives.errors import ArtifactMemberTooLargeError, RevisionUnavailableError
from stepline.core.archives.reader import ArtifactReader
from stepline.core.errors import PermissionDeniedError, SteplineError, TransientAwsError
from stepline.core.limits import ARCHIVE_TAIL_BYTES, MIB
from tests.fakes.clients import client_of
from tests.fakes.s3 import FakeS3
from tests.fakes.sparse_file import Content, SparseFile

GIB = 1024 * MIB
INPUT = b'{"environmentName": "test"}'


def zipped(
    members: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.comment = comment
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def sparse_archive(size: int, other_members: int = 0) -> SparseFile:
    """Return an archive of `size` bytes with `input.json` at its end and a hole before it."""
    target = SparseFile()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for number in range(other_members):
            archive.writestr(f"src/component-{number:05}/module.py", b"")
        archive.start_dir = size
        archive.writestr("input.json", INPUT)
    return target


class Bucket:
    def __init__(self) -> None:
        self.s3 = FakeS3()
        self._client = client_of(self.s3)

    def read(self, content: Content, path: str = "input.json", max_bytes: int = MIB) -> bytes:
        self.s3.put("artifacts", "app/source.zip", content)
        return self.reader().read(path, max_bytes=max_bytes)

    def reader(self) -> ArtifactReader:
        return ArtifactReader(self._client, "artifacts", "app/source.zip")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_small_archive_takes_one_request(bucket: Bucket, method: int) -> None:
    archive = zipped({"a.txt": b"a" * 5000, "input.json": INPUT}, method=method)
    assert bucket.read(archive) == INPUT
    assert len(bucket.s3.requests) == 1


@pytest.mark.parametrize("size", [100 * MIB, GIB, 5 * GIB])
def test_only_the_end_and_the_member_of_a_large_archive_are_read(bucket: Bucket, size: int) -> None:
    """An earlier implementation unpacked the whole artifact to /tmp to read one file."""
    assert bucket.read(sparse_archive(size)) == INPUT
    assert len(bucket.s3.requests) <= 2
    assert bucket.s3.read_bytes <= ARCHIVE_TAIL_BYTES + 1000


def test_member_far_from_the_end_takes_a_second_request(bucket: Bucket) -> None:
    archive = zipped({"input.json": INPUT, "big": bytes(3 * MIB)}, method=zipfile.ZIP_STORED)
    assert bucket.read(archive) == INPUT
    assert len(bucket.s3.requests) == 2
    assert bucket.s3.read_bytes < ARCHIVE_TAIL_BYTES + 1000


def test_zip64_archive_with_20000_entries_is_read(bucket: Bucket) -> None:
    content = sparse_archive(5 * GIB, other_members=20_000)
    assert bucket.read(content) == INPUT
    assert len(bucket.s3.requests) <= 3
    assert bucket.s3.read_bytes < 2 * MIB


def test_directory_is_read_once_for_several_members(bucket: Bucket) -> None:
    bucket.s3.put("artifacts", "app/source.zip", zipped({"a": b"1", "b": b"2"}))
    reader = bucket.reader()
    assert (reader.read("a", max_bytes=9), reader.read("b", max_bytes=9)) == (b"1", b"2")
    assert len(bucket.s3.requests) == 1


def test_long_extra_field_in_the_local_header_is_read(bucket: Bucket) -> None:
    archive = bytearray(zipped({"input.json": INPUT, "big": bytes(3 * MIB)}, method=zipfile.ZIP_STORED))
    extra = struct.pack("<HH", 0x9999, 2000) + bytes(2000)
    struct.pack_into("<H", archive, 28, len(extra))
    archive[40:40] = extra  # 30 bytes of header and the name of 10
    end = len(archive) - 22
    offset = struct.unpack_from("<L", archive, end + 16)[0] + len(extra)
    struct.pack_into("<L", archive, end + 16, offset)
    assert bucket.read(bytes(archive)) == INPUT
    assert len(bucket.s3.requests) == 3


@pytest.mark.parametrize("path", ["config\\input.json", "config//input.json", "./config/./input.json"])
def test_path_is_normalized(bucket: Bucket, path: str) -> None:
    assert bucket.read(zipped({"config/input.json": INPUT, "input.json": b"wrong"}), path) == INPUT


def test_exact_path_is_preferred(bucket: Bucket) -> None:
    assert (
        bucket.read(zipped({"./a.json": b"wrong", "a.json": INPUT, ".\\a.json": b"wrong"}), "a.json") == INPUT
    )


def test_empty_member_is_read(bucket: Bucket) -> None:
    assert bucket.read(zipped({"input.json": b""}), max_bytes=0) == b""


def test_member_above_the_limit_is_not_fetched(bucket: Bucket) -> None:
    archive = zipped({"input.json": bytes(10 * MIB), "big": bytes(3 * MIB)}, method=zipfile.ZIP_STORED)
    with pytest.raises(ArtifactMemberTooLargeError, match="10,485,760 bytes"):
        bucket.read(archive)
    assert len(bucket.s3.requests) == 1


SMALL = zipped({"input.json": INPUT})


def test_damaged_archive_gives_the_content_or_an_error_with_a_message(bucket: Bucket) -> None:
    archive = zipped({"other": b"x" * 50, "input.json": INPUT}, comment=b"comment")
    for position in range(len(archive)):
        for value in (0x00, 0xFF):
            damaged = archive[:position] + bytes([value]) + archive[position + 1 :]
            try:
                assert bucket.read(damaged, max_bytes=1000) == INPUT
            except SteplineError as error:
                assert error.message  # noqa: PT017


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", PermissionDeniedError),
        (400, "ExpiredToken", PermissionDeniedError),
        (403, "InvalidAccessKeyId", PermissionDeniedError),
        (404, "NoSuchKey", RevisionUnavailableError),
        (404, "NoSuchVersion", RevisionUnavailableError),
        (404, "NoSuchBucket", RevisionUnavailableError),
        (503, "SlowDown", TransientAwsError),
        (500, "InternalError", TransientAwsError),
    ],
)
def test_s3_error_is_translated(bucket: Bucket, status: int, code: str, error: type[SteplineError]) -> None:
    bucket.s3.fail_next("GetObject", code, status=status)
    with pytest.raises(error, match=code):
        bucket.read(SMALL)


def test_time_out_is_transient(bucket: Bucket) -> None:
    bucket.s3.raise_next("GetObject", ReadTimeoutError(endpoint_url="https://s3"))
    with pytest.raises(TransientAwsError):
        bucket.read(SMALL)


def test_object_that_is_replaced_between_requests_is_a_transient_error(bucket: Bucket) -> None:
    bucket.s3.put("artifacts", "app/source.zip", sparse_archive(5 * MIB, other_members=20_000))
    bucket.s3.interference["GetObject", 2] = lambda: bucket.s3.put("artifacts", "app/source.zip", SMALL)
    with pytest.raises(TransientAwsError, match="replaced"):
        bucket.reader().read("input.json", max_bytes=MIB)

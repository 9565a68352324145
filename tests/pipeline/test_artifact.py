"""One member out of a zip in S3: what is read, what is refused, and in how many requests."""

from __future__ import annotations

import io
import struct
import unicodedata
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest
from botocore.exceptions import ReadTimeoutError

from pipeline.artifact import ArtifactReader
from pipeline.errors import (
    AccessDeniedError,
    ArtifactFormatError,
    ArtifactMemberNotFoundError,
    ArtifactMemberTooLargeError,
    RevisionUnavailableError,
    SteplineError,
    TransientError,
)
from pipeline.limits import ARCHIVE_TAIL_BYTES, MIB
from tests.pipeline.fake_s3 import Content, FakeS3, SparseFile

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
    """An archive of `size` bytes whose `input.json` lies at its end; everything between is a hole."""
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
        self._client = self.s3.client()

    def read(self, content: Content, path: str = "input.json", max_bytes: int = MIB) -> bytes:
        self.s3.put("artifacts", "app/source.zip", content)
        return self.reader().read(path, max_bytes=max_bytes)

    def reader(self) -> ArtifactReader:
        return ArtifactReader(self._client, "artifacts", "app/source.zip")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_small_archive_takes_a_single_request(bucket: Bucket, method: int) -> None:
    archive = zipped({"a.txt": b"a" * 5000, "input.json": INPUT}, method=method)
    assert bucket.read(archive) == INPUT
    assert len(bucket.s3.requests) == 1


@pytest.mark.parametrize("path", ["input.json", "./input.json", "/input.json"])
def test_a_leading_dot_or_slash_is_ignored(bucket: Bucket, path: str) -> None:
    assert bucket.read(zipped({"input.json": INPUT}), path) == INPUT


@pytest.mark.parametrize("size", [100 * MIB, GIB, 5 * GIB])
def test_of_a_large_archive_only_the_end_and_the_member_are_read(bucket: Bucket, size: int) -> None:
    """Bug 10: the whole artifact was unpacked to /tmp to read one file."""
    assert bucket.read(sparse_archive(size)) == INPUT
    assert len(bucket.s3.requests) <= 2
    assert bucket.s3.read_bytes <= ARCHIVE_TAIL_BYTES + 1000


def test_a_member_far_from_the_end_takes_a_second_request(bucket: Bucket) -> None:
    archive = zipped({"input.json": INPUT, "big": bytes(3 * MIB)}, method=zipfile.ZIP_STORED)
    assert bucket.read(archive) == INPUT
    assert len(bucket.s3.requests) == 2
    assert bucket.s3.read_bytes < ARCHIVE_TAIL_BYTES + 1000


def test_a_directory_of_20000_entries_in_a_zip64_archive(bucket: Bucket) -> None:
    content = sparse_archive(5 * GIB, other_members=20_000)
    assert bucket.read(content) == INPUT
    assert len(bucket.s3.requests) <= 3
    assert bucket.s3.read_bytes < 2 * MIB


def test_a_directory_of_66000_entries_needs_zip64_counts(bucket: Bucket) -> None:
    target = SparseFile()
    with zipfile.ZipFile(target, "w") as archive:  # type: ignore[call-overload]
        archive.writestr("input.json", INPUT)
        for number in range(66_000):
            info = zipfile.ZipInfo(f"{number}")
            info.header_offset = info.CRC = 0
            archive.filelist.append(info)
        archive._didModify = True
    assert bucket.read(target) == INPUT


def test_a_second_member_costs_no_further_directory(bucket: Bucket) -> None:
    bucket.s3.put("artifacts", "app/source.zip", zipped({"a": b"1", "b": b"2"}))
    reader = bucket.reader()
    assert (reader.read("a", max_bytes=9), reader.read("b", max_bytes=9)) == (b"1", b"2")
    assert len(bucket.s3.requests) == 1


def test_the_longest_comment(bucket: Bucket) -> None:
    comment = b"PK\x05\x06" * 16_383
    archive = zipped({"input.json": INPUT}, comment=comment)
    assert bucket.read(archive) == INPUT


def test_bytes_in_front_of_the_archive(bucket: Bucket) -> None:
    assert bucket.read(b"#!/bin/sh\n" * 100 + zipped({"input.json": INPUT})) == INPUT


def test_a_long_extra_field_in_the_local_header_only(bucket: Bucket) -> None:
    archive = bytearray(zipped({"input.json": INPUT, "big": bytes(3 * MIB)}, method=zipfile.ZIP_STORED))
    extra = struct.pack("<HH", 0x9999, 2000) + bytes(2000)
    struct.pack_into("<H", archive, 28, len(extra))
    archive[40:40] = extra  # 30 bytes of header and the name of 10
    end = len(archive) - 22
    offset = struct.unpack_from("<L", archive, end + 16)[0] + len(extra)
    struct.pack_into("<L", archive, end + 16, offset)
    assert bucket.read(bytes(archive)) == INPUT
    assert len(bucket.s3.requests) == 3


Form = Literal["NFC", "NFD"]

TOOLS = Path(__file__).parent / "archives"
"""Archives as tools make them, each with `config/input.json`; those called refused_… cannot be read."""


@pytest.mark.parametrize(
    "path", sorted(set(TOOLS.glob("*.zip")) - set(TOOLS.glob("refused_*"))), ids=lambda path: path.stem
)
def test_what_tools_make_is_read(bucket: Bucket, path: Path) -> None:
    assert bucket.read(path.read_bytes(), "config/input.json") == INPUT


@pytest.mark.parametrize(
    ("name", "reason"), [("encrypted", "is encrypted"), ("bzip2", "with bzip2"), ("lzma", "with LZMA")]
)
def test_what_tools_make_and_is_not_supported_is_named(bucket: Bucket, name: str, reason: str) -> None:
    with pytest.raises(ArtifactFormatError, match=reason):
        bucket.read((TOOLS / f"refused_{name}.zip").read_bytes(), "config/input.json")


@pytest.mark.parametrize("garbage", [b"\n", bytes(512), b"PK\x05\x06", bytes(200_000)])
def test_bytes_behind_the_archive(bucket: Bucket, garbage: bytes) -> None:
    assert bucket.read(zipped({"input.json": INPUT}, comment=b"a comment") + garbage) == INPUT


def test_an_archive_inside_of_one_that_is_cut_off_is_not_taken_for_it(bucket: Bucket) -> None:
    outer = zipped({"a": b"", "inner.zip": zipped({"input.json": b"wrong"})}, method=zipfile.ZIP_STORED)
    with pytest.raises(ArtifactFormatError, match="cut off"):
        bucket.read(outer[:-30])


@pytest.mark.parametrize("path", ["config\\input.json", "config//input.json", "./config/./input.json"])
def test_a_path_may_be_spelled_as_the_user_likes(bucket: Bucket, path: str) -> None:
    assert bucket.read(zipped({"config/input.json": INPUT, "input.json": b"wrong"}), path) == INPUT


def test_the_exact_spelling_wins(bucket: Bucket) -> None:
    assert (
        bucket.read(zipped({"./a.json": b"wrong", "a.json": INPUT, ".\\a.json": b"wrong"}), "a.json") == INPUT
    )


@pytest.mark.parametrize("packed", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_accents_may_be_characters_of_their_own(bucket: Bucket, packed: Form, asked: Form) -> None:
    archive = zipped({unicodedata.normalize(packed, "übergröße.json"): INPUT})
    assert bucket.read(archive, unicodedata.normalize(asked, "übergröße.json")) == INPUT


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_members_of_the_same_name_the_last_one_counts(bucket: Bucket) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for content in (b"first", INPUT):
            archive.writestr("input.json", content)
    assert bucket.read(target.getvalue()) == INPUT


@pytest.mark.parametrize(
    ("members", "hint"), [({}, ""), ({"input.json/": b""}, ""), ({"Input.JSON": INPUT}, '"Input.JSON"')]
)
def test_a_folder_or_another_letter_case_is_not_the_file(
    bucket: Bucket, members: dict[str, bytes], hint: str
) -> None:
    with pytest.raises(ArtifactMemberNotFoundError, match=rf'There is no file "input.json".*{hint}'):
        bucket.read(zipped(members))


@pytest.mark.parametrize("name", ["ünïcode/日本.json", "übergröße.json"])
def test_names_beyond_ascii(bucket: Bucket, name: str) -> None:
    assert bucket.read(zipped({name: INPUT}), name) == INPUT


def test_an_empty_member(bucket: Bucket) -> None:
    assert bucket.read(zipped({"input.json": b""}), max_bytes=0) == b""


def test_a_missing_member_is_named_and_others_of_that_name_too(bucket: Bucket) -> None:
    with pytest.raises(ArtifactMemberNotFoundError, match=r'"input.json".*"app-main/input.json"'):
        bucket.read(zipped({"app-main/input.json": INPUT}))


def test_a_member_above_the_limit_is_not_even_fetched(bucket: Bucket) -> None:
    archive = zipped({"input.json": bytes(10 * MIB), "big": bytes(3 * MIB)}, method=zipfile.ZIP_STORED)
    with pytest.raises(ArtifactMemberTooLargeError, match="10,485,760 bytes"):
        bucket.read(archive)
    assert len(bucket.s3.requests) == 1


def patched(archive: bytes, offset: int, value: int) -> bytes:
    """`archive` (one member) with a two-byte number of its directory entry replaced."""
    data = bytearray(archive)
    struct.pack_into("<H", data, archive.index(b"PK\x01\x02") + offset, value)
    return bytes(data)


SMALL = zipped({"input.json": INPUT})


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (b"", "empty"),
        (b"not a zip", "not a zip archive"),
        (bytes(100), "not a zip archive"),
        (SMALL[:-1], "cut off"),
        (SMALL[30:-10], "cut off"),
        (patched(SMALL, 8, 1), "encrypted"),
        (patched(SMALL, 10, 12), "bzip2"),
        (patched(SMALL, 10, 99), "method 99"),
        (patched(SMALL, 16, 1), "checksum"),
        (patched(SMALL, 24, 1), "contradicts|checksum"),
        (patched(SMALL, 0, 0), "directory is corrupt"),
        (patched(SMALL, 42, 7), "not where the directory says"),
        (patched(SMALL, 44, 0x7FFF), "outside"),
        (patched(SMALL, 42, 0xFFFF)[:], "outside|not where"),
        (SMALL[:41] + b"\xff\xff\xff" + SMALL[44:], "corrupt|checksum"),
        (SMALL[:20] + SMALL[30:], "does not lie where"),
    ],
)
def test_what_is_no_readable_zip_is_a_clear_error(bucket: Bucket, archive: bytes, reason: str) -> None:
    with pytest.raises(ArtifactFormatError, match=reason) as caught:
        bucket.read(archive)
    assert "s3://artifacts/app/source.zip cannot be read as a zip archive" in caught.value.message


def test_no_damage_to_a_byte_ends_in_anything_but_a_clear_error_or_the_content(bucket: Bucket) -> None:
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
        (403, "AccessDenied", AccessDeniedError),
        (400, "ExpiredToken", AccessDeniedError),
        (403, "InvalidAccessKeyId", AccessDeniedError),
        (404, "NoSuchKey", RevisionUnavailableError),
        (404, "NoSuchVersion", RevisionUnavailableError),
        (404, "NoSuchBucket", RevisionUnavailableError),
        (503, "SlowDown", TransientError),
        (500, "InternalError", TransientError),
    ],
)
def test_s3_errors_say_what_happens_next(
    bucket: Bucket, status: int, code: str, error: type[SteplineError]
) -> None:
    bucket.s3.fail_next(status, code)
    with pytest.raises(error, match=code):
        bucket.read(SMALL)


def test_a_time_out_is_transient(bucket: Bucket) -> None:
    bucket.s3.failures.append(ReadTimeoutError(endpoint_url="https://s3"))
    with pytest.raises(TransientError):
        bucket.read(SMALL)


def test_an_object_that_is_replaced_between_two_requests_is_read_again_later(bucket: Bucket) -> None:
    bucket.s3.put("artifacts", "app/source.zip", sparse_archive(5 * MIB, other_members=20_000))

    def replace() -> None:
        if len(bucket.s3.requests) == 1:
            bucket.s3.put("artifacts", "app/source.zip", SMALL)

    bucket.s3.before_request = replace
    with pytest.raises(TransientError, match="replaced"):
        bucket.reader().read("input.json", max_bytes=MIB)


def test_a_version_can_be_asked_for(bucket: Bucket) -> None:
    bucket.s3.put("artifacts", "app/source.zip", SMALL)
    reader = ArtifactReader(bucket.s3.client(), "artifacts", "app/source.zip", version_id="v1")
    reader.read("input.json", max_bytes=MIB)
    assert bucket.s3.requests[0].query["versionId"] == "v1"

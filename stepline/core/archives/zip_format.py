"""Finds and unpacks one member of a zip archive. No I/O.

Source: .ZIP File Format Specification (PKWARE APPNOTE.TXT) 6.3.10; sections in brackets. Python's `zipfile`
is not used because it creates an object for each member, of which there may be 20,000, and needs a seekable
file.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from stepline.core.archives import zip_names

END_RECORD = struct.Struct("<4s4H2LH")  # [4.3.16]
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR = struct.Struct("<4sLQL")  # [4.3.15]
_ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_ZIP64_END_RECORD = struct.Struct("<4sQ2H2L4Q")  # [4.3.14]
_ZIP64_END_SIGNATURE = b"PK\x06\x06"
_ENTRY = struct.Struct("<4s6H3L5H2L")  # [4.3.12] central directory file header
_ENTRY_SIGNATURE = b"PK\x01\x02"
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # [4.3.7]
_LOCAL_SIGNATURE = b"PK\x03\x04"
_EXTRA_HEADER = struct.Struct("<2H")  # [4.5.1]
_ZIP64_EXTRA_ID = 0x0001  # [4.5.3]
_IN_ZIP64 = 0xFFFFFFFF  # "look into the zip64 extra field"

_FLAG_ENCRYPTED = 0x0001  # [4.4.4] bit 0
_STORED, _DEFLATED = 0, 8  # [4.4.5]
_METHOD_NAMES = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64",
    12: "bzip2",
    14: "LZMA",
    93: "Zstandard",
    95: "XZ",
}

_UNIX_HOSTS = {3, 19}  # [4.4.2] Unix, OS X: the external attributes hold the file's mode

_DEFLATE_OVERHEAD_BYTES = 1024
"""Bytes by which a deflated member may be longer than its content, besides 1 %; zlib adds 5 bytes per 16
KB."""

_LOCAL_EXTRA_SLACK_BYTES = 256
"""A local header's extra field is often some 20 bytes longer than the directory's (time stamps)."""


class ZipFormatError(ValueError):
    """The archive or the member cannot be read. The message is the end of a sentence."""


class NotZipError(ZipFormatError):
    """The end record is missing: the file is not a zip archive, or only a part of one."""


@dataclass(frozen=True)
class End:
    """The position of the directory, as offsets from the start of the object in bytes."""

    directory_start: int
    directory_size: int
    prefix_size: int  # bytes before the archive, which its offsets do not count


@dataclass(frozen=True)
class Directory:
    data: bytes
    end: End


@dataclass(frozen=True)
class Member:
    """A directory entry. Sizes and offsets are in bytes, `header_start` from the start of the object."""

    name: bytes
    unix_mode: int  # 0 if the archive was not made on Unix
    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int
    header_start: int
    extra_size: int

    @property
    def probable_raw_size(self) -> int:
        """The size of local header and content, unless the local header is unusually long."""
        header_size = _LOCAL_HEADER.size + len(self.name) + self.extra_size + _LOCAL_EXTRA_SLACK_BYTES
        return header_size + self.compressed_size


def read_end(tail: bytes, object_size: int) -> End:
    """Find the directory in the object's last bytes.

    `tail` must be the whole object, or at least the longest comment and the end records. As in unzip, other
    bytes may follow a complete archive.
    """
    for position, has_trailing_bytes in _end_records(tail):
        end = _end_at(tail, position, object_size)
        # Otherwise it may be the end of an inner archive of a truncated one.
        if not has_trailing_bytes or end.prefix_size == 0:
            return end
    raise NotZipError("it is not a zip archive, or it is truncated")


def _end_records(tail: bytes) -> Iterator[tuple[int, bool]]:
    """Yield the offset of each possible end record, and whether more bytes than its comment follow.

    Records whose comment reaches the end of the object come first. Within both groups the last comes first.
    """
    with_trailing_bytes = []
    position = len(tail)
    while (position := tail.rfind(_END_SIGNATURE, 0, position)) >= 0:
        if position + END_RECORD.size > len(tail):
            continue
        comment_size = END_RECORD.unpack_from(tail, position)[-1]
        left = len(tail) - position - END_RECORD.size - comment_size
        if left == 0:
            yield position, False
        elif left > 0:
            with_trailing_bytes.append(position)
    yield from ((position, True) for position in with_trailing_bytes)


def _end_at(tail: bytes, position: int, object_size: int) -> End:
    """Read the end record at `position` of `tail`."""
    _, disk, start_disk, _, _, size, offset, _ = END_RECORD.unpack_from(tail, position)
    end_of_directory = object_size - len(tail) + position
    locator = position - _ZIP64_LOCATOR.size
    if locator >= 0 and tail.startswith(_ZIP64_LOCATOR_SIGNATURE, locator):
        size, offset, record_size = _read_zip64_end(tail, locator)
        end_of_directory -= _ZIP64_LOCATOR.size + record_size
    elif disk or start_disk:
        raise ZipFormatError("it is one part of a split archive")
    start = end_of_directory - size
    if offset == _IN_ZIP64:
        offset = start  # Info-ZIP's `zip -fz -` refers to a zip64 record, but does not write it
    if start < offset:
        raise ZipFormatError("it is incomplete or corrupt: its directory is not where its end record says")
    return End(directory_start=start, directory_size=size, prefix_size=start - offset)


def _read_zip64_end(tail: bytes, locator: int) -> tuple[int, int, int]:
    """Return the directory's size and offset, and the size of this record, which precedes the locator."""
    start = locator - _ZIP64_END_RECORD.size
    if _ZIP64_LOCATOR.unpack_from(tail, locator)[3] > 1:
        raise ZipFormatError("it is one part of a split archive")
    if start < 0 or not tail.startswith(_ZIP64_END_SIGNATURE, start):
        raise ZipFormatError("its zip64 end record is missing or in an unsupported version")
    *_, size, offset = _ZIP64_END_RECORD.unpack_from(tail, start)
    return size, offset, _ZIP64_END_RECORD.size


def find_member(directory: Directory, name: str) -> Member | None:
    """Return the member `name`, or else one with an equivalent path; the last one if there are several."""
    found = zip_names.match_spelling(_entries(directory.data), name)
    if found is None:
        found = zip_names.match_path(_entries(directory.data), name)
    return None if found is None else _read_entry(directory, found)


def similar_names(directory: Directory, name: str) -> list[str]:
    """Return a few members whose names resemble `name`."""
    return zip_names.similar_names(_entries(directory.data), name)


def _entries(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the raw name of each directory entry."""
    position = 0
    while position < len(data):
        if not data.startswith(_ENTRY_SIGNATURE, position) or position + _ENTRY.size > len(data):
            raise ZipFormatError("its directory is corrupt")
        name_size, extra_size, comment_size = struct.unpack_from("<3H", data, position + 28)
        name_start = position + _ENTRY.size
        name = data[name_start : name_start + name_size]
        if b"\0" in name:  # some readers end the name there, others do not
            raise ZipFormatError("a name in its directory contains a zero character")
        yield position, name
        position = name_start + name_size + extra_size + comment_size
    if position > len(data):
        raise ZipFormatError("its directory is corrupt")


def _read_entry(directory: Directory, position: int) -> Member:
    data = directory.data
    fields = _ENTRY.unpack_from(data, position)
    _, made_by, _, flags, method, _, _, crc32, compressed, size, name_size, extra_size, *_ = fields
    name_start = position + _ENTRY.size
    name = data[name_start : name_start + name_size]
    extra = data[name_start + name_size : name_start + name_size + extra_size]
    size, compressed, offset = _wide_values(extra, (size, compressed, fields[-1]))
    return Member(
        name=name,
        unix_mode=fields[-2] >> 16 if made_by >> 8 in _UNIX_HOSTS else 0,
        flags=flags,
        method=method,
        crc32=crc32,
        compressed_size=compressed,
        size=size,
        header_start=directory.end.prefix_size + offset,
        extra_size=extra_size,
    )


def _wide_values(extra: bytes, values: tuple[int, int, int]) -> Iterator[int]:
    """Yield `values` (size, compressed size, offset); those that did not fit are in the zip64 field."""
    wide = _zip64_numbers(extra) if _IN_ZIP64 in values else iter(())
    for value in values:
        if value != _IN_ZIP64:
            yield value
            continue
        try:
            yield next(wide)
        except StopIteration:
            raise ZipFormatError("a directory entry lacks its zip64 sizes") from None


def _zip64_numbers(extra: bytes) -> Iterator[int]:
    position = 0
    while position + _EXTRA_HEADER.size <= len(extra):
        field_id, field_size = _EXTRA_HEADER.unpack_from(extra, position)
        position += _EXTRA_HEADER.size
        if field_id == _ZIP64_EXTRA_ID:
            field = extra[position : position + field_size]
            return iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
        position += field_size
    return iter(())


def check_readable(member: Member) -> None:
    """Raise `ZipFormatError` if the directory entry shows that the member cannot be read."""
    if member.flags & _FLAG_ENCRYPTED:
        raise ZipFormatError("the file is encrypted")
    if stat.S_IFMT(member.unix_mode) not in {0, stat.S_IFREG}:
        raise ZipFormatError("the file is a symbolic link or another special file: use the file itself")
    if member.method not in {_STORED, _DEFLATED}:
        method = _METHOD_NAMES.get(member.method, f"method {member.method}")
        raise ZipFormatError(
            f"the file is compressed with {method}; only Deflate and no compression are supported"
        )
    if member.compressed_size > member.size * 1.01 + _DEFLATE_OVERHEAD_BYTES:
        raise ZipFormatError("the file's directory entry contradicts itself")


def raw_size(member: Member, raw: bytes) -> int:
    """Return the size of local header and content in bytes, given the first bytes."""
    return _content_start(member, raw) + member.compressed_size


def content(member: Member, raw: bytes) -> bytes:
    """Unpack a member from its local header and the bytes that follow, and verify its checksum."""
    start = _content_start(member, raw)
    packed = memoryview(raw)[start : start + member.compressed_size]
    data = bytes(packed) if member.method == _STORED else _inflated(member, packed)
    if len(data) != member.size or zlib.crc32(data) != member.crc32:
        raise ZipFormatError("the file's content does not match its checksum")
    return data


def _content_start(member: Member, raw: bytes) -> int:
    """Return where the content begins. Refuse a header with another name, which some readers would use."""
    if len(raw) < _LOCAL_HEADER.size or not raw.startswith(_LOCAL_SIGNATURE):
        raise ZipFormatError("the file is not where the directory says")
    *_, name_size, extra_size = _LOCAL_HEADER.unpack_from(raw)
    if name_size != len(member.name) or not raw.startswith(member.name, _LOCAL_HEADER.size):
        raise ZipFormatError("the file is not where the directory says")
    return _LOCAL_HEADER.size + int(name_size) + int(extra_size)


def _inflated(member: Member, packed: memoryview) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return inflater.decompress(packed, member.size + 1)  # not more than the directory says
    except zlib.error as error:
        raise ZipFormatError("the file's compressed content is corrupt") from error

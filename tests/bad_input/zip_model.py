"""A zip archive as its records, each of which can have wrong fields.

`Archive.build` writes a valid archive, except for the fields that a test overrides by name.
Field names and layouts: .ZIP File Format Specification (PKWARE APPNOTE.TXT) 6.3.10.
"""

from __future__ import annotations

import bz2
import functools
import lzma
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.fakes.sparse_file import Content, SparseFile

Fields = Mapping[str, int]

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
ENCRYPTED, DESCRIPTOR, UTF8 = 0x0001, 0x0008, 0x0800
_WIDE = 0xFFFFFFFF
_UNIX, _REGULAR_FILE = 3 << 8, 0o100644


@dataclass(frozen=True)
class Layout:
    """A record of fixed size: its signature, and the size in bytes of each field after it."""

    signature: bytes
    fields: Fields

    @functools.cached_property
    def _struct(self) -> struct.Struct:
        return struct.Struct("<4s" + "".join({2: "H", 4: "L", 8: "Q"}[size] for size in self.fields.values()))

    def pack(self, values: Fields, overrides: Fields) -> bytes:
        """Return the record; a value that is too large for its field loses its upper bytes."""
        assert overrides.keys() <= self.fields.keys(), f"known fields: {', '.join(self.fields)}"
        all_values = {**values, **overrides}
        packed = (all_values.get(name, 0) % (1 << 8 * size) for name, size in self.fields.items())
        return self._struct.pack(self.signature, *packed)


_ABOUT_CONTENT = {"flags": 2, "method": 2, "time": 2, "date": 2, "crc": 4, "compressed": 4, "size": 4}
LOCAL = Layout(b"PK\x03\x04", {"version": 2, **_ABOUT_CONTENT, "name_size": 2, "extra_size": 2})
CENTRAL = Layout(
    b"PK\x01\x02",
    {"made_by": 2, "version": 2, **_ABOUT_CONTENT, "name_size": 2, "extra_size": 2, "comment_size": 2}
    | {"disk": 2, "internal": 2, "external": 4, "offset": 4},
)
END = Layout(
    b"PK\x05\x06",
    {"disk": 2, "start_disk": 2, "entries_here": 2, "entries": 2, "size": 4, "offset": 4, "comment_size": 2},
)
END64 = Layout(
    b"PK\x06\x06",
    {"record_size": 8, "made_by": 2, "version": 2, "disk": 4, "start_disk": 4}
    | {"entries_here": 8, "entries": 8, "size": 8, "offset": 8},
)
LOCATOR = Layout(b"PK\x06\x07", {"disk": 4, "offset": 8, "disks": 4})


@dataclass(frozen=True)
class Member:
    """A member of the archive, and what is unusual about it.

    `copies` of it have a number instead of `#` in their name; `hole` zeros follow its content. `local` and
    `central` override fields of its local header and its directory entry, `wide` the numbers of its zip64
    field.
    """

    name: bytes
    content: bytes = b""
    method: int = DEFLATED
    flags: int = 0
    mode: int = _REGULAR_FILE
    zip64: bool = False  # sizes and offset are in a zip64 extra field
    extra: bytes = b""  # of the directory entry
    local_name: bytes | None = None  # if it differs
    local_extra: bytes = b""
    local: Fields = field(default_factory=dict)
    central: Fields = field(default_factory=dict)
    wide: tuple[int, ...] | None = None
    copies: int = 1
    hole: int = 0
    in_directory: bool = True
    written: bool = True


@dataclass(frozen=True)
class Archive:
    members: tuple[Member, ...]
    comment: bytes = b""
    zip64: bool = False
    prefix: bytes = b""  # not counted by offsets
    suffix: bytes = b""
    end: Fields = field(default_factory=dict)  # overrides, as below
    end64: Fields = field(default_factory=dict)
    locator: Fields = field(default_factory=dict)

    def build(self) -> Content:
        """Return the archive; a `SparseFile` if a member has a hole."""
        writer = _Writer(self.prefix)
        directory = b"".join(_entries(self.members, writer))
        offset = writer.position
        writer.write(directory)
        writer.write(self._end(offset, len(directory)))
        return writer.content()

    def _end(self, offset: int, size: int) -> bytes:
        count = sum(member.copies for member in self.members if member.in_directory)
        counts = {"entries_here": count, "entries": count}
        wide = self.zip64 or count > 0xFFFF or offset >= _WIDE
        plain = {**counts, "size": size, "offset": min(offset, _WIDE)}
        end = END.pack({**plain, "comment_size": len(self.comment)}, self.end) + self.comment + self.suffix
        if not wide:
            return end
        record = END64.pack(
            {**counts, "record_size": 44, "made_by": 45, "version": 45, "size": size, "offset": offset},
            self.end64,
        )
        return record + LOCATOR.pack({"offset": offset + size, "disks": 1}, self.locator) + end


class _Writer:
    """Pieces and holes, one after the other; positions do not count the prefix."""

    def __init__(self, prefix: bytes) -> None:
        self._pieces: list[bytes | int] = [prefix]
        self.position = 0

    def write(self, data: bytes) -> None:
        self._pieces.append(data)
        self.position += len(data)

    def skip(self, hole: int) -> None:
        self._pieces.append(hole)
        self.position += hole

    def content(self) -> Content:
        if all(isinstance(piece, bytes) for piece in self._pieces):
            return b"".join(piece for piece in self._pieces if isinstance(piece, bytes))
        target = SparseFile()
        for piece in self._pieces:
            if isinstance(piece, bytes):
                target.write(piece)
            else:
                target.seek(piece, 1)
        return target


def _entries(members: tuple[Member, ...], writer: _Writer) -> Iterator[bytes]:
    """Write the members, and yield their directory entries."""
    for member in members:
        packed, checksum = _packed(member), zlib.crc32(member.content)
        for number in range(member.copies):
            name = member.name.replace(b"#", b"%05d" % number) if member.copies > 1 else member.name
            offset = writer.position
            about = _about(member, packed, checksum)
            if member.written:
                writer.write(_local_header(member, name, about) + packed)
                if member.hole:
                    writer.skip(member.hole)
                if member.flags & DESCRIPTOR:
                    writer.write(_descriptor(member, packed, checksum))
            if member.in_directory:
                yield _entry(member, name, about, offset)


def _about(member: Member, packed: bytes, checksum: int) -> dict[str, int]:
    return {
        "version": 45 if member.zip64 else 20,
        "flags": member.flags,
        "method": member.method,
        "crc": checksum,
        "compressed": len(packed) + member.hole,
        "size": len(member.content) + member.hole,
    }


def _local_header(member: Member, name: bytes, about: dict[str, int]) -> bytes:
    if member.flags & DESCRIPTOR:
        about = {**about, "crc": 0, "compressed": 0, "size": 0}
    if member.local_name is not None:
        name = member.local_name
    lengths = {"name_size": len(name), "extra_size": len(member.local_extra)}
    return LOCAL.pack({**about, **lengths}, member.local) + name + member.local_extra


def _descriptor(member: Member, packed: bytes, checksum: int) -> bytes:
    return b"PK\x07\x08" + struct.pack("<3L", checksum, len(packed), len(member.content))


def _entry(member: Member, name: bytes, about: dict[str, int], offset: int) -> bytes:
    extra, values = member.extra, {**about, "offset": offset}
    if member.zip64 or offset >= _WIDE:
        wide = (about["size"], about["compressed"], offset) if member.wide is None else member.wide
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) + extra
        values |= {"size": _WIDE, "compressed": _WIDE, "offset": _WIDE}
    values |= {"made_by": _UNIX, "external": member.mode << 16}
    values |= {"name_size": len(name), "extra_size": len(extra)}
    return CENTRAL.pack(values, member.central) + name + extra


def _packed(member: Member) -> bytes:
    if member.method == DEFLATED:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return deflater.compress(member.content) + deflater.flush()
    if member.method == BZIP2:
        return bz2.compress(member.content)
    if member.method == LZMA:
        return lzma.compress(member.content)
    return member.content

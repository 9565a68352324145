"""Files of gigabytes that take no space: archives whose members are holes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

_PAGE_BYTES = 65_536


class Content(Protocol):
    """`bytes`, or something larger that is sliced like them."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: slice) -> bytes: ...


def bytes_of(content: Content) -> bytes:
    return content[0 : len(content)]


@dataclass
class SparseFile:
    """A file of which only the written pages exist. `zipfile` can write to it."""

    pages: dict[int, bytearray] = field(default_factory=dict)
    position: int = 0
    size: int = 0

    def write(self, data: bytes) -> int:
        rest = bytes(data)
        while rest:
            number, start = divmod(self.position, _PAGE_BYTES)
            part, rest = rest[: _PAGE_BYTES - start], rest[_PAGE_BYTES - start :]
            page = self.pages.setdefault(number, bytearray(_PAGE_BYTES))
            page[start : start + len(part)] = part
            self.position += len(part)
        self.size = max(self.size, self.position)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = (0, self.position, self.size)[whence] + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        pass

    def __bool__(self) -> bool:
        return True  # zipfile takes a falsy file for a closed one

    def seekable(self) -> bool:
        return True

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: slice) -> bytes:
        start, stop, _ = index.indices(self.size)
        first = start // _PAGE_BYTES
        hole = bytes(_PAGE_BYTES)
        pages = (self.pages.get(number, hole) for number in range(first, -(-stop // _PAGE_BYTES)))
        return b"".join(pages)[start - first * _PAGE_BYTES : stop - first * _PAGE_BYTES]

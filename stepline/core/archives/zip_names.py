"""Finds a name in a zip's directory, in whichever way the archive's tool has spelled it."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterable, Mapping


def best_match(entries: Iterable[tuple[int, bytes]], name: str) -> int | None:
    """The number that goes with `name` in `entries`; the last one's if there are several, as unzip has it.

    The exact spelling wins, then the same text in another encoding or with its accents as characters
    of their own, as macOS writes them. `entries` is iterated once.
    """
    ranks = _spellings(name)
    found, rank = None, len(ranks)
    for number, entry_name in entries:
        if entry_name in ranks and ranks[entry_name] <= rank:
            found, rank = number, ranks[entry_name]
    return found


def plain_match(entries: Iterable[tuple[int, bytes]], name: str) -> int | None:
    """As `best_match`, for what means the same path: `./a//b` and `a\\b` mean `a/b`."""
    plain = ((number, _plain_bytes(entry_name)) for number, entry_name in entries)
    return best_match(plain, _plain(name))


def similar_names(entries: Iterable[tuple[int, bytes]], name: str, limit: int = 3) -> list[str]:
    """Entries of the same file name in other folders or in other letter case: what was probably meant."""
    base_name = _plain(name).rpartition("/")[2].encode(errors="surrogatepass").lower()
    alike = (entry_name for _, entry_name in entries if entry_name.rpartition(b"/")[2].lower() == base_name)
    return [entry_name.decode(errors="replace") for _, entry_name in zip(range(limit), alike, strict=False)]


def _spellings(name: str) -> Mapping[bytes, int]:
    """`name` in UTF-8 and in the older code page 437 [appendix D], the most likely spelling first."""
    ranks: dict[bytes, int] = {}
    for text in (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
        ranks.setdefault(text.encode(errors="surrogatepass"), len(ranks))
        with contextlib.suppress(UnicodeEncodeError):
            ranks.setdefault(text.encode("cp437"), len(ranks))
    return ranks


def _plain(path: str) -> str:
    return "/".join(part for part in path.replace("\\", "/").split("/") if part not in {"", "."})


def _plain_bytes(path: bytes) -> bytes:
    path = path.replace(b"\\", b"/")
    if path.endswith(b"/"):
        return path  # a directory
    return b"/".join(part for part in path.split(b"/") if part not in {b"", b"."})

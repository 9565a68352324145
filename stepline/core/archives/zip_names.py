"""Finds a name in a zip's directory in any of the spellings that tools use."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterable, Mapping


def match_spelling(entries: Iterable[tuple[int, bytes]], name: str) -> int | None:
    """Return the number of `name` in `entries`; the last one if there are several, as in unzip.

    The exact spelling is preferred, then the same text in another encoding or in decomposed form (accents as
    separate characters, as macOS writes them). `entries` is iterated once.
    """
    ranks = _spellings(name)
    found, rank = None, len(ranks)
    for number, entry_name in entries:
        if entry_name in ranks and ranks[entry_name] <= rank:
            found, rank = number, ranks[entry_name]
    return found


def match_path(entries: Iterable[tuple[int, bytes]], name: str) -> int | None:
    """Return the number of an equivalent path: `./a//b` and `a\\b` are equivalent to `a/b`."""
    plain = ((number, _plain_bytes(entry_name)) for number, entry_name in entries)
    return match_spelling(plain, _plain(name))


def similar_names(entries: Iterable[tuple[int, bytes]], name: str, limit: int = 3) -> list[str]:
    """Return entries with the same file name in other folders, letter case, or with another extension."""
    stem = _stem(_plain(name).encode(errors="surrogatepass"))
    alike = (entry_name for _, entry_name in entries if stem and _stem(entry_name) == stem)
    return [entry_name.decode(errors="replace") for _, entry_name in zip(range(limit), alike, strict=False)]


def _stem(path: bytes) -> bytes:
    base_name = path.rpartition(b"/")[2].lower()
    return base_name.rpartition(b".")[0] or base_name


def _spellings(name: str) -> Mapping[bytes, int]:
    """Return the spellings of `name` in UTF-8 and code page 437 [appendix D], the most likely one first."""
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

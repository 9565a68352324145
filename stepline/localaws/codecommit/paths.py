"""Validates and normalizes the paths of files and folders in a repository."""

from __future__ import annotations

from stepline.localaws.codecommit.errors import InvalidPathException
from stepline.localaws.codecommit.settings import MAX_PATH_CHARACTERS

_FORBIDDEN_PARTS = frozenset({"", ".", "..", ".git"})


def file_path(path: str) -> str:
    """Return the path of a file without a leading slash. Raises InvalidPathException."""
    normal = folder_path(path)
    if not normal:
        raise InvalidPathException(f"The path {path!r} names no file")
    return normal


def folder_path(path: str) -> str:
    """Return the path of a folder without outer slashes, "" for the root. Raises InvalidPathException."""
    normal = path.strip("/")
    forbidden = normal and any(part.lower() in _FORBIDDEN_PARTS for part in normal.split("/"))
    if forbidden or "\0" in normal or len(normal) > MAX_PATH_CHARACTERS or not _is_text(normal):
        raise InvalidPathException(f"The path {path!r} is not valid")
    return normal


def printable_path(path: str) -> str:
    """Return a path for a response: bytes of git's path that are not UTF-8 are replaced."""
    return path.encode(errors="surrogateescape").decode(errors="replace")


def is_within(path: str, folder: str) -> bool:
    """Return whether `path` is `folder` or below it; everything is within the root."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

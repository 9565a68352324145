"""Paths in a repository, as the API takes them, and file modes, as it shows them."""

from __future__ import annotations

from enum import Enum

from stepline.localaws.codecommit.errors import InvalidPathException

MAX_PATH_CHARACTERS = 4096
"""https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html"""

_FORBIDDEN_PARTS = frozenset({"", ".", "..", ".git"})


PAGE_SIZE = 1000
"""Items of a page where the caller cannot choose [ours]; AWS does not document its own size."""


class FileMode(Enum):
    """The API's file modes, and git's."""

    NORMAL = "100644"
    EXECUTABLE = "100755"
    SYMLINK = "120000"

    @classmethod
    def of(cls, git_mode: str) -> FileMode:
        """Old commits hold modes such as 100664, which mean the same as 100644."""
        if git_mode == cls.SYMLINK.value:
            return cls.SYMLINK
        return cls.EXECUTABLE if int(git_mode, 8) & 0o100 else cls.NORMAL


def file_path(path: str) -> str:
    """The path of a file without a leading slash. Raises InvalidPathException."""
    normal = folder_path(path)
    if not normal:
        raise InvalidPathException(f"The path {path!r} names no file")
    return normal


def folder_path(path: str) -> str:
    """The path of a folder without slashes at its ends; the root is "". Raises InvalidPathException."""
    normal = path.strip("/")
    forbidden = normal and any(part.lower() in _FORBIDDEN_PARTS for part in normal.split("/"))
    if forbidden or "\0" in normal or len(normal) > MAX_PATH_CHARACTERS or not _is_text(normal):
        raise InvalidPathException(f"The path {path!r} is not valid")
    return normal


def shown(path: str) -> str:
    """A path for an answer. git's paths are bytes; what is not UTF-8 is shown with replacement characters."""
    return path.encode(errors="surrogateescape").decode(errors="replace")


def is_within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or below it; everything is within the root."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

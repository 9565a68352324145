"""What CreateCommit and PutFile are asked to do, checked.

Limits: https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stepline.localaws.codecommit.errors import (
    CommitMessageLengthExceededException,
    FileContentAndSourceFileSpecifiedException,
    FileContentSizeLimitExceededException,
    FileEntryRequiredException,
    InvalidEmailException,
    InvalidParentCommitIdException,
    MaximumFileEntriesExceededException,
    NameLengthExceededException,
    RestrictedSourceFileException,
    SamePathRequestException,
    SourceFileOrContentRequiredException,
)
from stepline.localaws.codecommit.file_operations import MAX_FILE_BYTES
from stepline.localaws.codecommit.git_objects import is_object_id
from stepline.localaws.codecommit.paths import FileMode, file_path
from stepline.localaws.codecommit.tree_edit import KEEP_FILE, check_nesting
from stepline.localaws.protocol import Params

MAX_CONTENT_BYTES = 7 * 1024 * 1024
"""All contents of one commit, by the text of FileContentSizeLimitExceededException."""

MAX_FILE_ENTRIES = 100
"""Entries of one CreateCommit: "Create a commit" in the CodeCommit user guide."""

MAX_MESSAGE_BYTES = 256 * 1024
MAX_NAME_CHARACTERS = 1024
MAX_EMAIL_CHARACTERS = 256

_NOT_A_NAME = " .,:;<>\"\\'\0\n"
"""git strips these from the ends of a name, and wants something to be left."""


@dataclass(frozen=True)
class Source:
    """A file of the parent commit that is copied, or moved."""

    path: str
    is_move: bool


@dataclass(frozen=True)
class PutFileEntry:
    """A file to write: from `content` or from `source`, exactly one of them."""

    path: str
    mode: FileMode | None
    content: bytes | None
    source: Source | None


@dataclass(frozen=True)
class CommitRequest:
    """`author`, `email`, `message` and `parent` as given; empty when they were not."""

    branch: str
    parent: str
    author: str
    email: str
    message: str
    puts: tuple[PutFileEntry, ...]
    deletes: tuple[str, ...] = ()
    modes: tuple[tuple[str, FileMode], ...] = ()
    keep_empty_folders: bool = False

    @property
    def moved(self) -> list[str]:
        """The paths that files are moved away from."""
        return _moved(self.puts)


def _moved(puts: tuple[PutFileEntry, ...]) -> list[str]:
    return [entry.source.path for entry in puts if entry.source and entry.source.is_move]


def parse_put_file(params: Params) -> CommitRequest:
    """Raises the errors of PutFile that need no repository."""
    path = file_path(params["filePath"])
    entry = PutFileEntry(path, _mode(params.get("fileMode")), params["fileContent"], None)
    _check_sizes((entry,))
    _check_words(params, params.get("name", ""))
    return CommitRequest(
        branch=params["branchName"],
        parent=_parent(params),
        author=_text(params.get("name", "")),
        email=_text(params.get("email", "")),
        message=_text(params.get("commitMessage", "")),
        puts=(entry,),
    )


def parse_create_commit(params: Params) -> CommitRequest:
    """Raises the errors of CreateCommit that need no repository."""
    puts = tuple(map(_put_entry, params.get("putFiles", [])))
    deletes = tuple(file_path(item["filePath"]) for item in params.get("deleteFiles", []))
    modes = tuple(
        (file_path(item["filePath"]), FileMode[item["fileMode"]]) for item in params.get("setFileModes", [])
    )
    _check_entries(puts, deletes, [path for path, _ in modes])
    _check_sizes(puts)
    _check_words(params, params.get("authorName", ""))
    return CommitRequest(
        branch=params["branchName"],
        parent=_parent(params),
        author=_text(params.get("authorName", "")),
        email=_text(params.get("email", "")),
        message=_text(params.get("commitMessage", "")),
        puts=puts,
        deletes=deletes,
        modes=modes,
        keep_empty_folders=params.get("keepEmptyFolders", False),
    )


def _put_entry(item: dict[str, Any]) -> PutFileEntry:
    path, content, source = file_path(item["filePath"]), item.get("fileContent"), item.get("sourceFile")
    if content is None and source is None:
        raise SourceFileOrContentRequiredException(f"{path} has neither content nor a source file")
    if content is not None and source is not None:
        raise FileContentAndSourceFileSpecifiedException(f"{path} has content and a source file")
    return PutFileEntry(path, _mode(item.get("fileMode")), content, _source(source))


def _source(item: dict[str, Any] | None) -> Source | None:
    if item is None:
        return None
    path = file_path(item["filePath"])
    if path.rpartition("/")[2] == KEEP_FILE:
        raise RestrictedSourceFileException(f"A {KEEP_FILE} file cannot be copied or moved")
    return Source(path, item.get("isMove", False))


def _check_entries(puts: tuple[PutFileEntry, ...], deletes: tuple[str, ...], modes: list[str]) -> None:
    written = [entry.path for entry in puts]
    paths = [*written, *modes, *deletes, *_moved(puts)]
    if not paths:
        raise FileEntryRequiredException("No file is added, changed or deleted")
    if len(paths) > MAX_FILE_ENTRIES:
        message = f"A commit can change {MAX_FILE_ENTRIES} files at most; use git for more"
        raise MaximumFileEntriesExceededException(message)
    if len(set(paths)) != len(paths):
        raise SamePathRequestException("A path can be given only once in a commit")
    check_nesting(written)


def _check_sizes(puts: tuple[PutFileEntry, ...]) -> None:
    sizes = [len(entry.content or b"") for entry in puts]
    if max(sizes, default=0) > MAX_FILE_BYTES or sum(sizes) > MAX_CONTENT_BYTES:
        message = f"A file can have {MAX_FILE_BYTES} bytes, all files together {MAX_CONTENT_BYTES}"
        raise FileContentSizeLimitExceededException(message)


def _check_words(params: Params, name: str) -> None:
    if len(name) > MAX_NAME_CHARACTERS or (name and not name.strip(_NOT_A_NAME)):
        raise NameLengthExceededException("The author's name is not valid, or too long")
    if len(params.get("email", "")) > MAX_EMAIL_CHARACTERS:
        raise InvalidEmailException("The email address is not valid, or too long")
    if len(params.get("commitMessage", "").encode(errors="replace")) > MAX_MESSAGE_BYTES:
        message = f"The commit message has more than {MAX_MESSAGE_BYTES} bytes"
        raise CommitMessageLengthExceededException(message)


def _parent(params: Params) -> str:
    parent: str = params.get("parentCommitId", "")
    if parent and not is_object_id(parent):
        raise InvalidParentCommitIdException(f"The parent commit ID {parent} is not valid")
    return parent


def _text(value: str) -> str:
    """What a commit can hold: valid UTF-8 without NUL."""
    return value.replace("\0", "").encode(errors="replace").decode()


def _mode(name: str | None) -> FileMode | None:
    return None if name is None else FileMode[name]

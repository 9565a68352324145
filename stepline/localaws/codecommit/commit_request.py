"""Parses and validates the requests of CreateCommit and PutFile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stepline.localaws.codecommit import errors, settings
from stepline.localaws.codecommit.git_objects import is_object_id
from stepline.localaws.codecommit.models import FileMode
from stepline.localaws.codecommit.paths import file_path
from stepline.localaws.codecommit.tree_edit import KEEP_FILE, check_nesting
from stepline.localaws.protocol import AwsError, Params

_STRIPPED_CHARACTERS = " .,:;<>\"\\'\0\n"
"""git strips these from the ends of a name, and rejects a name of nothing else."""


@dataclass(frozen=True)
class Source:
    """A file of the parent commit to copy or move."""

    path: str
    is_move: bool


@dataclass(frozen=True)
class PutFileEntry:
    """A file to write, from either `content` or `source`."""

    path: str
    mode: FileMode | None
    content: bytes | None
    source: Source | None


@dataclass(frozen=True)
class CommitRequest:
    """`author`, `email`, `message` and `parent` are empty if they are not given.

    `no_change_error` is the error for a commit that would change nothing.
    """

    branch: str
    parent: str
    author: str
    email: str
    message: str
    puts: tuple[PutFileEntry, ...]
    no_change_error: type[AwsError] = errors.NoChangeException
    deletes: tuple[str, ...] = ()
    modes: tuple[tuple[str, FileMode], ...] = ()
    keep_empty_folders: bool = False

    @property
    def moved(self) -> list[str]:
        """The old paths of moved files."""
        return [entry.source.path for entry in self.puts if entry.source and entry.source.is_move]


def parse_put_file(params: Params) -> CommitRequest:
    """Parse a request of PutFile. Raises the errors that do not depend on the repository."""
    path = file_path(params["filePath"])
    entry = PutFileEntry(path, _mode(params.get("fileMode")), params["fileContent"], None)
    _check_sizes((entry,))
    members = _common_members(params, params.get("name", ""))
    return CommitRequest(**members, puts=(entry,), no_change_error=errors.SameFileContentException)


def parse_create_commit(params: Params) -> CommitRequest:
    """Parse a request of CreateCommit. Raises the errors that do not depend on the repository."""
    puts = tuple(map(_put_entry, params.get("putFiles", [])))
    deletes = tuple(file_path(item["filePath"]) for item in params.get("deleteFiles", []))
    modes = tuple(
        (file_path(item["filePath"]), FileMode[item["fileMode"]]) for item in params.get("setFileModes", [])
    )
    request = CommitRequest(
        **_common_members(params, params.get("authorName", "")),
        puts=puts,
        deletes=deletes,
        modes=modes,
        keep_empty_folders=params.get("keepEmptyFolders", False),
    )
    _check_entries(request)
    _check_sizes(puts)
    return request


def _put_entry(item: dict[str, Any]) -> PutFileEntry:
    path, content, source = file_path(item["filePath"]), item.get("fileContent"), item.get("sourceFile")
    if content is None and source is None:
        raise errors.SourceFileOrContentRequiredException(f"{path} has neither content nor a source file")
    if content is not None and source is not None:
        raise errors.FileContentAndSourceFileSpecifiedException(f"{path} has content and a source file")
    return PutFileEntry(path, _mode(item.get("fileMode")), content, _source(source))


def _source(item: dict[str, Any] | None) -> Source | None:
    if item is None:
        return None
    path = file_path(item["filePath"])
    if path.rpartition("/")[2] == KEEP_FILE:
        raise errors.RestrictedSourceFileException(f"A {KEEP_FILE} file cannot be copied or moved")
    return Source(path, item.get("isMove", False))


def _check_entries(request: CommitRequest) -> None:
    written = [entry.path for entry in request.puts]
    paths = [*written, *(path for path, _ in request.modes), *request.deletes, *request.moved]
    if not paths:
        raise errors.FileEntryRequiredException("No file is added, changed or deleted")
    if len(paths) > settings.MAX_FILE_ENTRIES:
        message = f"A commit can change {settings.MAX_FILE_ENTRIES} files at most; use git for more"
        raise errors.MaximumFileEntriesExceededException(message)
    if len(set(paths)) != len(paths):
        raise errors.SamePathRequestException("A path can be given only once in a commit")
    check_nesting(written)


def _check_sizes(puts: tuple[PutFileEntry, ...]) -> None:
    sizes = [len(entry.content or b"") for entry in puts]
    if max(sizes, default=0) > settings.MAX_FILE_BYTES or sum(sizes) > settings.MAX_CONTENT_BYTES:
        limits = f"{settings.MAX_FILE_BYTES} bytes, all files together {settings.MAX_CONTENT_BYTES}"
        raise errors.FileContentSizeLimitExceededException(f"A file can have {limits}")


def _common_members(params: Params, author: str) -> dict[str, Any]:
    """Return the members of a CommitRequest that both operations have."""
    email, message = params.get("email", ""), params.get("commitMessage", "")
    if len(author) > settings.MAX_NAME_CHARACTERS or (author and not author.strip(_STRIPPED_CHARACTERS)):
        raise errors.NameLengthExceededException("The author's name is not valid, or too long")
    if len(email) > settings.MAX_EMAIL_CHARACTERS:
        raise errors.InvalidEmailException("The email address is not valid, or too long")
    if len(message.encode(errors="replace")) > settings.MAX_MESSAGE_BYTES:
        error = f"The commit message has more than {settings.MAX_MESSAGE_BYTES} bytes"
        raise errors.CommitMessageLengthExceededException(error)
    return {
        "branch": params["branchName"],
        "parent": _parent(params),
        "author": _text(author),
        "email": _text(email),
        "message": _text(message),
    }


def _parent(params: Params) -> str:
    parent: str = params.get("parentCommitId", "")
    if parent and not is_object_id(parent):
        raise errors.InvalidParentCommitIdException(f"The parent commit ID {parent} is not valid")
    return parent


def _text(value: str) -> str:
    """Return the text as a commit can hold it: valid UTF-8 without NUL."""
    return value.replace("\0", "").encode(errors="replace").decode()


def _mode(name: str | None) -> FileMode | None:
    return None if name is None else FileMode[name]

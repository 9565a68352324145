"""The changes of one CreateCommit or PutFile, applied to the files of a commit.

Works on paths only; reading and writing git's objects is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from stepline.localaws.codecommit.errors import (
    DirectoryNameConflictsWithFileNameException,
    FileDoesNotExistException,
    FileNameConflictsWithDirectoryNameException,
    FilePathConflictsWithSubmodulePathException,
    PutFileEntryConflictException,
)
from stepline.localaws.codecommit.git_objects import ObjectType, TreeEntry
from stepline.localaws.codecommit.paths import FileMode

KEEP_FILE = ".gitkeep"
"""What keeps a folder that would otherwise be empty, for git has no empty folders."""


@dataclass(frozen=True)
class FileChange:
    """What the answer of CreateCommit tells of one file."""

    path: str
    blob_id: str
    mode: FileMode

    def as_answer(self) -> dict[str, str]:
        return {"absolutePath": self.path, "blobId": self.blob_id, "fileMode": self.mode.name}


@dataclass
class TreeEdit:
    """The files of a commit by their paths, and what was done to them."""

    files: dict[str, TreeEntry]
    added: list[FileChange] = field(default_factory=list)
    updated: list[FileChange] = field(default_factory=list)
    deleted: list[FileChange] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Iterable[TreeEntry]) -> TreeEdit:
        return cls({entry.path: entry for entry in entries})

    def file(self, path: str) -> TreeEntry:
        """Raises FileDoesNotExistException, FilePathConflictsWithSubmodulePathException."""
        entry = self.files.get(path)
        if entry is None:
            raise FileDoesNotExistException(f"Could not find path {path}")
        if entry.type is ObjectType.COMMIT:
            raise FilePathConflictsWithSubmodulePathException(f"{path} is a submodule")
        return entry

    def put(self, path: str, blob_id: str, mode: FileMode | None) -> None:
        """Add or update a file; without a mode it keeps its own, or is NORMAL."""
        old = self.files.get(path)
        if old is not None:
            self.file(path)
        settled = mode or (FileMode.of(old.mode) if old else FileMode.NORMAL)
        self._check_conflicts(path)
        self.files[path] = TreeEntry(settled.value, ObjectType.BLOB, blob_id, path)
        change = FileChange(path, blob_id, settled)
        if old is None:
            self.added.append(change)
        elif (old.object_id, FileMode.of(old.mode)) != (blob_id, settled):
            self.updated.append(change)

    def set_mode(self, path: str, mode: FileMode) -> None:
        old = self.file(path)
        if FileMode.of(old.mode) is not mode:
            self.files[path] = replace(old, mode=mode.value)
            self.updated.append(FileChange(path, old.object_id, mode))

    def delete(self, path: str) -> None:
        old = self.file(path)
        del self.files[path]
        self.deleted.append(FileChange(path, old.object_id, FileMode.of(old.mode)))

    def keep_folders(self, paths: Iterable[str], empty_blob_id: str) -> None:
        """Put a file into each folder that the deletion of `paths` left empty."""
        for path in paths:
            folder = str(PurePosixPath(path).parent)
            if folder != "." and not any(name.startswith(f"{folder}/") for name in self.files):
                self.put(f"{folder}/{KEEP_FILE}", empty_blob_id, FileMode.NORMAL)

    @property
    def changed(self) -> bool:
        return bool(self.added or self.updated or self.deleted)

    def _check_conflicts(self, path: str) -> None:
        """A path cannot be a file and a folder at once."""
        for folder in map(str, PurePosixPath(path).parents):
            entry = self.files.get(folder)
            if entry is not None and entry.type is ObjectType.COMMIT:
                raise FilePathConflictsWithSubmodulePathException(f"{folder} is a submodule")
            if entry is not None:
                message = f"{path} cannot be added: {folder} is a file"
                raise DirectoryNameConflictsWithFileNameException(message)
        if path not in self.files and any(name.startswith(f"{path}/") for name in self.files):
            message = f"{path} cannot be added: there is a folder of that name"
            raise FileNameConflictsWithDirectoryNameException(message)


def check_nesting(paths: Sequence[str]) -> None:
    """Raises PutFileEntryConflictException if one path is a folder of another."""
    known = set(paths)
    for path in paths:
        if known.intersection(map(str, PurePosixPath(path).parents)):
            raise PutFileEntryConflictException(f"A folder of {path} is given as a file")

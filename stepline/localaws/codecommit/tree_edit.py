"""Applies the changes of CreateCommit or PutFile to the files of a commit.

It knows paths and object IDs; the caller reads and writes git's objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from stepline.localaws.codecommit import errors
from stepline.localaws.codecommit.git_objects import ObjectType, TreeEntry
from stepline.localaws.codecommit.models import FileChange, FileMode

KEEP_FILE = ".gitkeep"
"""The file that keeps an otherwise empty folder: git has no empty folders."""


@dataclass
class TreeEdit:
    """The files of a commit by their paths, and the changes made to them."""

    files: dict[str, TreeEntry]
    added: list[FileChange] = field(default_factory=list)
    updated: list[FileChange] = field(default_factory=list)
    deleted: list[FileChange] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Iterable[TreeEntry]) -> TreeEdit:
        return cls({entry.path: entry for entry in entries})

    def file(self, path: str) -> TreeEntry:
        """Return a file. Raises FileDoesNotExistException, FilePathConflictsWithSubmodulePathException."""
        entry = self.files.get(path)
        if entry is None:
            raise errors.FileDoesNotExistException(path)
        if entry.type is ObjectType.COMMIT:
            raise errors.FilePathConflictsWithSubmodulePathException(path)
        return entry

    def put(self, path: str, blob_id: str, mode: FileMode | None) -> None:
        """Add or update a file. Without a mode it keeps its old one, or is NORMAL."""
        old = self.files.get(path)
        if old is not None:
            self.file(path)
        new_mode = mode or (FileMode.of(old.mode) if old else FileMode.NORMAL)
        self._check_conflicts(path)
        self.files[path] = TreeEntry(new_mode.value, ObjectType.BLOB, blob_id, path)
        change = FileChange(path, blob_id, new_mode)
        if old is None:
            self.added.append(change)
        elif (old.object_id, FileMode.of(old.mode)) != (blob_id, new_mode):
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
        """Add a file to each folder that the deletion of `paths` left empty."""
        for path in paths:
            folder = str(PurePosixPath(path).parent)
            if folder != "." and not any(name.startswith(f"{folder}/") for name in self.files):
                self.put(f"{folder}/{KEEP_FILE}", empty_blob_id, FileMode.NORMAL)

    @property
    def changed(self) -> bool:
        return bool(self.added or self.updated or self.deleted)

    def _check_conflicts(self, path: str) -> None:
        """Raise an error if the path would be a file and a folder at once."""
        for folder in map(str, PurePosixPath(path).parents):
            entry = self.files.get(folder)
            if entry is not None and entry.type is ObjectType.COMMIT:
                raise errors.FilePathConflictsWithSubmodulePathException(folder)
            if entry is not None:
                message = f"{path} cannot be added: {folder} is a file"
                raise errors.DirectoryNameConflictsWithFileNameException(message)
        if path not in self.files and any(name.startswith(f"{path}/") for name in self.files):
            message = f"{path} cannot be added: a folder has this name"
            raise errors.FileNameConflictsWithDirectoryNameException(message)


def check_nesting(paths: Sequence[str]) -> None:
    """Raise PutFileEntryConflictException if one path is a folder of another."""
    known = set(paths)
    for path in paths:
        if known.intersection(map(str, PurePosixPath(path).parents)):
            raise errors.PutFileEntryConflictException(f"A folder of {path} is given as a file")

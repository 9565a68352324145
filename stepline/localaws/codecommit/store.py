"""Keeps the repositories: a folder each, named by the repository's ID, with metadata beside git's files.

The name of a repository is never part of a path, so no name can lead out of the directory, and renaming a
repository moves nothing.
"""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from stepline.localaws.codecommit.errors import RepositoryDoesNotExistException, RepositoryNameExistsException
from stepline.localaws.codecommit.git import Git, GitRepository
from stepline.localaws.codecommit.models import ReferenceType, RepositoryRecord
from stepline.localaws.codecommit.settings import INITIAL_BRANCH

_METADATA_FILE = "stepline.json"

_QUARANTINES = ("tmp_objdir-incoming-*", "incoming-*")
"""git's folders for the objects of a push; the second is the name before git 2.35."""


class Repository:
    """A repository. Hold `lock` from reading `record` until the changed one is saved."""

    def __init__(self, path: Path, record: RepositoryRecord, git: Git) -> None:
        self.path = path
        self.record = record
        self.git = GitRepository(git, path)
        self.lock = threading.RLock()
        self.is_deleted = False
        self._pushes = 0
        self._pushes_lock = threading.Lock()
        self._remove_quarantines()

    def begin_push(self) -> None:
        """Call before git receives a push. Call `end_push` when it has ended, also by an error."""
        with self._pushes_lock:
            self._pushes += 1

    def end_push(self) -> None:
        """Remove the files that killed pushes left, unless another push runs."""
        with self._pushes_lock:
            self._pushes -= 1
            if self._pushes == 0:
                self._remove_quarantines()

    def set_default_branch(self, name: str, **changes: Any) -> None:
        self.git.set_head(f"{ReferenceType.BRANCH.prefix}{name}")
        self.change(default_branch=name, **changes)

    def change(self, **changes: Any) -> None:
        """Replace fields of the record in memory and on disk."""
        with self.lock:
            self.record = replace(self.record, **changes)
            if not self.is_deleted:
                self.save()

    def save(self) -> None:
        document = json.dumps(asdict(self.record), default=datetime.isoformat, indent=2)
        new = self.path / f"{_METADATA_FILE}.new"
        new.write_text(document, encoding="utf-8")
        new.replace(self.path / _METADATA_FILE)

    def _remove_quarantines(self) -> None:
        """Remove the folders in which git keeps a push until it is accepted; a killed git leaves them."""
        for pattern in _QUARANTINES:
            for folder in self.path.glob(f"objects/{pattern}"):
                shutil.rmtree(folder, ignore_errors=True)


class RepositoryStore:
    """All repositories of the account and region, by name. Safe for threads."""

    def __init__(self, directory: Path, git: Git) -> None:
        """Load the repositories that `directory` holds. git's work folder must be on the same file system."""
        self._directory = directory
        self._git = git
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        files = sorted(directory.glob(f"*/{_METADATA_FILE}"))
        repositories = [Repository(file.parent, _read_record(file), git) for file in files]
        self._by_name = {repository.record.name: repository for repository in repositories}

    def get(self, name: str) -> Repository:
        """Return a repository. Raises RepositoryDoesNotExistException."""
        repository = self.find(name)
        if repository is None:
            raise RepositoryDoesNotExistException(f"{name} does not exist")
        return repository

    def find(self, name: str) -> Repository | None:
        with self._lock:
            return self._by_name.get(name)

    def all(self) -> list[Repository]:
        with self._lock:
            return list(self._by_name.values())

    def create(self, record: RepositoryRecord) -> Repository:
        """Create an empty repository. Raises RepositoryNameExistsException."""
        with self._lock:
            self._require_unused(record.name)
            repository = Repository(self._directory / record.repository_id, record, self._git)
            repository.git.init_bare(head=f"{ReferenceType.BRANCH.prefix}{INITIAL_BRANCH}")
            repository.save()
            self._by_name[record.name] = repository
        return repository

    def rename(self, old_name: str, new_name: str, *, now: datetime) -> None:
        repository = self.get(old_name)
        with self._lock:
            self._require_unused(new_name)
            repository.change(name=new_name, last_modified_date=now)
            self._by_name[new_name] = self._by_name.pop(old_name)

    def delete(self, name: str) -> str | None:
        """Remove the repository and its folder. Return its ID, or None if it does not exist.

        The folder is moved before it is emptied: an interrupted deletion leaves no partial repository.
        """
        with self._lock:
            repository = self._by_name.pop(name, None)
            if repository is None:
                return None
            trash = self._git.work / repository.path.name
            with repository.lock:
                repository.is_deleted = True
                repository.path.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)
        return repository.record.repository_id

    def _require_unused(self, name: str) -> None:
        if name in self._by_name:
            raise RepositoryNameExistsException(f"Repository named {name} already exists")


def _read_record(file: Path) -> RepositoryRecord:
    document = json.loads(file.read_text(encoding="utf-8"))
    for name in ("creation_date", "last_modified_date"):
        document[name] = datetime.fromisoformat(document[name])
    return RepositoryRecord(**document)

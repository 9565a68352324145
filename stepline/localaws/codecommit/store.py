"""The repositories: a folder each, named by the repository's id, with its metadata beside git's files.

The name of a repository is never part of a path, so no name can lead out of the
directory, and renaming a repository moves nothing.
"""

from __future__ import annotations

import json
import shutil
import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from stepline.localaws.codecommit.errors import RepositoryDoesNotExistException, RepositoryNameExistsException
from stepline.localaws.codecommit.git import Git

INITIAL_BRANCH = "main"
"""What HEAD of a repository names until its first push; a clone of the empty repository starts on it."""

_METADATA_FILE = "stepline.json"

_QUARANTINES = ("tmp_objdir-incoming-*", "incoming-*")
"""git's folders for the objects of a push, the second being the name before git 2.35."""


@dataclass(frozen=True)
class RepositoryRecord:
    """What CodeCommit knows of a repository, apart from its content.

    `default_branch` is the short name, None until the first branch arrives.
    """

    repository_id: str
    name: str
    creation_date: datetime
    last_modified_date: datetime
    description: str | None = None
    default_branch: str | None = None
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class Repository:
    """One repository. Hold `lock` from reading `record` until the changed one is saved."""

    def __init__(self, path: Path, record: RepositoryRecord) -> None:
        self.path = path
        self.record = record
        self.lock = threading.RLock()
        self.deleted = False
        self._pushes = 0
        self._pushes_lock = threading.Lock()
        self._remove_quarantines()

    def begin_push(self) -> None:
        """Call before git receives a push, and `end_push` when it has ended in whatever way."""
        with self._pushes_lock:
            self._pushes += 1

    def end_push(self) -> None:
        """Remove what killed pushes left behind, unless another one is under way."""
        with self._pushes_lock:
            self._pushes -= 1
            if self._pushes == 0:
                self._remove_quarantines()

    def _remove_quarantines(self) -> None:
        """git keeps the objects of a push apart until it accepts the push, and leaves them when killed."""
        for pattern in _QUARANTINES:
            for folder in self.path.glob(f"objects/{pattern}"):
                shutil.rmtree(folder, ignore_errors=True)

    def change(self, **changes: Any) -> None:
        """Replace fields of the record, here and on disk."""
        with self.lock:
            self.record = replace(self.record, **changes)
            if not self.deleted:
                self.save()

    def save(self) -> None:
        document = json.dumps(asdict(self.record), default=datetime.isoformat, indent=2)
        new = self.path / f"{_METADATA_FILE}.new"
        new.write_text(document, encoding="utf-8")
        new.replace(self.path / _METADATA_FILE)


class RepositoryStore:
    """All repositories of the account and region, by name. Safe for threads."""

    def __init__(self, directory: Path, git: Git, *, trash: Path) -> None:
        """Repositories that are in `directory` from an earlier run are there again.

        `trash` is a folder on the same file system for what is being deleted.
        """
        self._directory = directory
        self._trash = trash
        self._git = git
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        self._by_name = {repository.record.name: repository for repository in _load(directory)}

    def get(self, name: str) -> Repository:
        """Raises RepositoryDoesNotExistException."""
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
        """Raises RepositoryNameExistsException."""
        with self._lock:
            self._require_free(record.name)
            repository = Repository(self._directory / record.repository_id, record)
            self._git.init_bare(repository.path, head=f"refs/heads/{INITIAL_BRANCH}")
            repository.save()
            self._by_name[record.name] = repository
        return repository

    def rename(self, old_name: str, new_name: str, *, now: datetime) -> None:
        """Raises RepositoryDoesNotExistException, RepositoryNameExistsException."""
        repository = self.get(old_name)
        with self._lock:
            self._require_free(new_name)
            repository.change(name=new_name, last_modified_date=now)
            self._by_name[new_name] = self._by_name.pop(old_name)

    def delete(self, name: str) -> str | None:
        """Remove the repository and its folder; its id, or None if there is none of that name.

        The folder is moved before it is emptied: at no moment is there half a repository,
        not even for the next run if this one ends here.
        """
        with self._lock:
            repository = self._by_name.pop(name, None)
            if repository is None:
                return None
            doomed = self._trash / repository.path.name
            with repository.lock:
                repository.deleted = True
                repository.path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
        return repository.record.repository_id

    def _require_free(self, name: str) -> None:
        if name in self._by_name:
            raise RepositoryNameExistsException(f"Repository named {name} already exists")


def new_record(
    name: str, *, now: datetime, description: str | None, kms_key_id: str | None, tags: Mapping[str, str]
) -> RepositoryRecord:
    """The record of a repository that is about to be created, with an id of its own."""
    return RepositoryRecord(
        repository_id=str(uuid.uuid4()),
        name=name,
        creation_date=now,
        last_modified_date=now,
        description=description,
        kms_key_id=kms_key_id,
        tags=dict(tags),
    )


def _load(directory: Path) -> list[Repository]:
    return [
        Repository(file.parent, _read_record(file)) for file in sorted(directory.glob(f"*/{_METADATA_FILE}"))
    ]


def _read_record(file: Path) -> RepositoryRecord:
    document = json.loads(file.read_text(encoding="utf-8"))
    for name in ("creation_date", "last_modified_date"):
        document[name] = datetime.fromisoformat(document[name])
    return RepositoryRecord(**document)

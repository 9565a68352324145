"""What CodeCommit keeps and returns: repositories, changes of references, commits, file modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any

from stepline.localaws.codecommit.git_objects import NO_OBJECT


@dataclass(frozen=True)
class RepositoryRecord:
    """The metadata of a repository.

    `default_branch` is the short name, None until the first branch is created. `triggers` are the API's,
    `triggers_id` is their configurationId.
    """

    repository_id: str
    name: str
    creation_date: datetime
    last_modified_date: datetime
    description: str | None = None
    default_branch: str | None = None
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    triggers: Sequence[Mapping[str, Any]] = ()
    triggers_id: str = ""


class ReferenceType(StrEnum):
    BRANCH = "branch"
    TAG = "tag"

    @property
    def prefix(self) -> str:
        return "refs/heads/" if self is ReferenceType.BRANCH else "refs/tags/"


class ChangeType(StrEnum):
    CREATED = "referenceCreated"
    UPDATED = "referenceUpdated"
    DELETED = "referenceDeleted"


@dataclass(frozen=True)
class ReferenceChange:
    """A change of a branch or tag: its short name, and the object ID before and after (or `NO_OBJECT`)."""

    type: ReferenceType
    name: str
    old: str
    new: str

    @property
    def full_name(self) -> str:
        return f"{self.type.prefix}{self.name}"

    @property
    def change_type(self) -> ChangeType:
        if self.old == NO_OBJECT:
            return ChangeType.CREATED
        return ChangeType.DELETED if self.new == NO_OBJECT else ChangeType.UPDATED


@dataclass(frozen=True)
class Signature:
    """`date` is seconds since 1970 and the time zone, as git writes it: `1484167798 -0800`."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    commit_id: str
    tree_id: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


class FileMode(Enum):
    """The API's file modes, and git's."""

    NORMAL = "100644"
    EXECUTABLE = "100755"
    SYMLINK = "120000"

    @classmethod
    def of(cls, git_mode: str) -> FileMode:
        """Old commits have modes such as 100664, which mean the same as 100644."""
        if git_mode == cls.SYMLINK.value:
            return cls.SYMLINK
        return cls.EXECUTABLE if int(git_mode, 8) & 0o100 else cls.NORMAL


@dataclass(frozen=True)
class FileChange:
    """A file that CreateCommit added, updated or deleted."""

    path: str
    blob_id: str
    mode: FileMode

"""git's objects, references and trees, and how the plumbing commands write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

NO_OBJECT = "0" * 40
"""The object ID that means "this reference does not exist"."""

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The ID of the tree without entries; git knows it without storing it."""

SUBMODULE_MODE = "160000"
"""The mode of a tree's entry that names a commit of another repository."""

_OBJECT_ID = re.compile(r"[0-9a-f]{40}")


class ObjectType(StrEnum):
    """The types of git's objects."""

    BLOB = "blob"
    TREE = "tree"
    COMMIT = "commit"
    TAG = "tag"


@dataclass(frozen=True)
class Reference:
    """A branch or a tag: `name` in full, `commit_id` with annotated tags peeled, None if not a commit."""

    name: str
    object_id: str
    commit_id: str | None


@dataclass(frozen=True)
class TreeEntry:
    """One entry of a tree; `mode` as git writes it (`100644`), `path` from the root of the repository."""

    mode: str
    type: ObjectType
    object_id: str
    path: str


@dataclass(frozen=True)
class ObjectInfo:
    object_id: str
    type: ObjectType
    size_bytes: int


@dataclass(frozen=True)
class TreeChange:
    """One line of `git diff-tree`: mode `000000` and `NO_OBJECT` on a side that does not exist."""

    old_mode: str
    new_mode: str
    old_id: str
    new_id: str
    path: str


@dataclass(frozen=True)
class Person:
    """The author and committer of a commit; `seconds` since 1970 (UTC)."""

    name: str
    email: str
    seconds: int

    def environment(self) -> dict[str, str]:
        values = {"NAME": self.name, "EMAIL": self.email, "DATE": f"@{self.seconds} +0000"}
        return {
            f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in values.items()
        }


def is_object_id(text: str) -> bool:
    return _OBJECT_ID.fullmatch(text) is not None


def index_line(entry: TreeEntry) -> bytes:
    return f"{entry.mode} {entry.object_id}\t{entry.path}\0".encode(errors="surrogateescape")


def split_records(output: bytes) -> list[str]:
    return output.decode(errors="surrogateescape").split("\0")[:-1]


def parse_reference(line: str) -> Reference:
    object_id, object_type, peeled_id, peeled_type, name = line.split(" ", 4)
    if object_type == ObjectType.TAG:
        return Reference(name, object_id, peeled_id if peeled_type == ObjectType.COMMIT else None)
    return Reference(name, object_id, object_id if object_type == ObjectType.COMMIT else None)


def parse_tree_entry(record: str) -> TreeEntry:
    header, path = record.split("\t", 1)
    mode, object_type, object_id = header.split(" ")
    return TreeEntry(mode, ObjectType(object_type), object_id, path)


def parse_change(header: str, path: str) -> TreeChange:
    old_mode, new_mode, old_id, new_id, _status = header.removeprefix(":").split(" ")
    return TreeChange(old_mode, new_mode, old_id, new_id, path)

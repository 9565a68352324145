"""Commits as git stores them, and as the API shows them.

A commit object is a block of headers (`tree`, `parent`, `author`, `committer`, …), an
empty line and the message: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_PERSON = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<date>-?\d+ [+-]\d{4})")


@dataclass(frozen=True)
class UserInfo:
    """`date` is seconds since 1970 and the zone, as git writes it: `1484167798 -0800`."""

    name: str
    email: str
    date: str

    def as_answer(self) -> dict[str, str]:
        return {"name": self.name, "email": self.email, "date": self.date}


@dataclass(frozen=True)
class Commit:
    commit_id: str
    tree_id: str
    parents: tuple[str, ...]
    author: UserInfo
    committer: UserInfo
    message: str

    def as_answer(self) -> dict[str, Any]:
        """The API's shape `Commit`."""
        return {
            "commitId": self.commit_id,
            "treeId": self.tree_id,
            "parents": list(self.parents),
            "message": self.message,
            "author": self.author.as_answer(),
            "committer": self.committer.as_answer(),
            "additionalData": "",
        }


def parse_commit(commit_id: str, content: bytes) -> Commit:
    """Text that is not in the encoding it claims (UTF-8 if none) is shown with replacement characters."""
    head, _, message = content.partition(b"\n\n")
    encoding = _encoding(head)
    fields: dict[str, list[str]] = {}
    for line in head.decode(encoding, errors="replace").split("\n"):
        name, _, value = line.partition(" ")
        fields.setdefault(name, []).append(value)
    return Commit(
        commit_id=commit_id,
        tree_id=fields["tree"][0],
        parents=tuple(fields.get("parent", [])),
        author=_parse_person(fields["author"][0]),
        committer=_parse_person(fields["committer"][0]),
        message=message.decode(encoding, errors="replace"),
    )


def _encoding(head: bytes) -> str:
    found = re.search(rb"^encoding ([\w.-]+)$", head, re.MULTILINE)
    name = found[1].decode() if found else "utf-8"
    try:
        "".encode(name)
    except LookupError:
        return "utf-8"
    return name


def _parse_person(text: str) -> UserInfo:
    person = _PERSON.fullmatch(text)
    if person is None:
        return UserInfo(text, "", "")
    return UserInfo(person["name"], person["email"], person["date"])

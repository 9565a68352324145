"""Finds and reads commits.

A commit object is a block of headers (`tree`, `parent`, `author`, `committer`, …), an empty line and the
message: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
"""

from __future__ import annotations

import re

from stepline.localaws.codecommit.errors import (
    CommitDoesNotExistException,
    CommitIdDoesNotExistException,
    InvalidCommitIdException,
)
from stepline.localaws.codecommit.git_objects import ObjectType, is_object_id
from stepline.localaws.codecommit.models import Commit, ReferenceType, Signature
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.protocol import AwsError

_SIGNATURE = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<date>-?\d+ [+-]\d{4})")


def has_object(
    repository: Repository, object_id: str, object_type: ObjectType, invalid_id_error: type[AwsError]
) -> bool:
    """Return whether such an object exists. Raises `invalid_id_error` for an ID that is not a full one."""
    if not is_object_id(object_id):
        raise invalid_id_error(f"{object_id} is not valid; give the full 40 characters of the id")
    info = repository.git.object_info(object_id)
    return info is not None and info.type is object_type


def check_commit_id(repository: Repository, commit_id: str) -> None:
    """Check that the commit exists. Raises InvalidCommitIdException, CommitIdDoesNotExistException."""
    if not has_object(repository, commit_id, ObjectType.COMMIT, InvalidCommitIdException):
        raise CommitIdDoesNotExistException(f"Commit ID {commit_id} does not exist")


def resolve_commit(repository: Repository, specifier: str | None) -> str:
    """Return the ID of the commit that a full ID, a branch, a tag, a full reference or HEAD names.

    None means HEAD. Raises CommitDoesNotExistException.
    """
    if specifier is not None and is_object_id(specifier):
        info = repository.git.object_info(specifier, peel=ObjectType.COMMIT)
        commit_id = info.object_id if info else None
    else:
        commit_id = _resolve_name(repository, "HEAD" if specifier is None else specifier)
    if commit_id is None:
        raise CommitDoesNotExistException(specifier or "HEAD")
    return commit_id


def read_commit(repository: Repository, commit_id: str) -> Commit:
    """Return a commit. Raises InvalidCommitIdException, CommitIdDoesNotExistException."""
    check_commit_id(repository, commit_id)
    return _parse_commit(commit_id, repository.git.read_object(commit_id, ObjectType.COMMIT))


def _resolve_name(repository: Repository, specifier: str) -> str | None:
    name = (repository.record.default_branch or "") if specifier == "HEAD" else specifier
    references = repository.git.references()
    for prefix in ("", ReferenceType.BRANCH.prefix, ReferenceType.TAG.prefix):
        if reference := references.get(f"{prefix}{name}"):
            return reference.commit_id
    return None


def _parse_commit(commit_id: str, content: bytes) -> Commit:
    """Parse a commit object. Bytes that are invalid in its encoding (UTF-8 by default) are replaced."""
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
        author=_parse_signature(fields["author"][0]),
        committer=_parse_signature(fields["committer"][0]),
        message=message.decode(encoding, errors="replace"),
    )


def _encoding(head: bytes) -> str:
    match = re.search(rb"^encoding ([\w.-]+)$", head, re.MULTILINE)
    name = match[1].decode() if match else "utf-8"
    try:
        "".encode(name)
    except LookupError:
        return "utf-8"
    return name


def _parse_signature(text: str) -> Signature:
    match = _SIGNATURE.fullmatch(text)
    return Signature(match["name"], match["email"], match["date"]) if match else Signature(text, "", "")

"""What the sources of connections and of GitHub read: git repositories, by their full name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


class RevisionNotFoundError(Exception):
    """The repository, the branch or the commit does not exist; the message says which."""


@dataclass(frozen=True, kw_only=True)
class GitCommit:
    id: str
    message: str
    authored: datetime
    committed: datetime


class GitRepositories(Protocol):
    """The methods raise RevisionNotFoundError."""

    def branch_tip(self, name: str, branch: str) -> str:
        """Return the id of the branch's last commit."""

    def commit(self, name: str, commit_id: str) -> GitCommit: ...

    def archive(self, name: str, commit_id: str, target: BinaryIO) -> None:
        """Write a zip of the commit's tree to `target`."""

    def clone_url(self, name: str) -> str: ...

    def use_connection(self, connection_arn: str) -> None:
        """Raise botocore's ClientError without the permission to use the connection."""

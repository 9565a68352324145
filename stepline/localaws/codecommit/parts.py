"""What the operations share: the parts of the service, and how they find commits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepline.localaws.clock import Clock
from stepline.localaws.codecommit.announcer import Announcer
from stepline.localaws.codecommit.changes import BRANCH_PREFIX, TAG_PREFIX
from stepline.localaws.codecommit.errors import (
    BranchDoesNotExistException,
    CommitDoesNotExistException,
    CommitIdDoesNotExistException,
    InvalidBranchNameException,
)
from stepline.localaws.codecommit.git import Git
from stepline.localaws.codecommit.git_objects import ObjectInfo, ObjectType, is_object_id
from stepline.localaws.codecommit.store import Repository, RepositoryStore
from stepline.localaws.protocol import AwsError


@dataclass(frozen=True)
class Parts:
    """The collaborators of the service. `work` is a folder for files that live as long as a call."""

    git: Git
    store: RepositoryStore
    announcer: Announcer
    clock: Clock
    base_url: str
    account_id: str
    region: str
    work: Path

    def branch_tip(self, repository: Repository, name: str) -> str:
        """Raises BranchDoesNotExistException."""
        reference = self.git.references(repository.path).get(f"{BRANCH_PREFIX}{name}")
        if reference is None or reference.commit_id is None:
            raise BranchDoesNotExistException(f"Branch {name} does not exist")
        return reference.commit_id

    def check_branch_name(self, name: str) -> None:
        """Raises InvalidBranchNameException; a branch cannot be called like an object id.

        https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html
        """
        if is_object_id(name) or not self.git.is_reference_name(f"{BRANCH_PREFIX}{name}"):
            raise InvalidBranchNameException(f"The branch name {name!r} is not valid")

    def commit(self, repository: Repository, commit_id: str) -> str:
        """A full commit id, once it is sure that there is such a commit.

        Raises InvalidCommitIdException, CommitIdDoesNotExistException.
        """
        if self.find_object(repository, commit_id, ObjectType.COMMIT, "InvalidCommitIdException") is None:
            raise CommitIdDoesNotExistException(f"Commit ID {commit_id} does not exist")
        return commit_id

    def find_object(
        self, repository: Repository, object_id: str, type_: ObjectType, invalid: str
    ) -> ObjectInfo | None:
        """The object of that id and type. Raises the error `invalid` for what is no full object id."""
        if not is_object_id(object_id):
            raise AwsError(f"{object_id} is not valid; give the full 40 characters of the id", code=invalid)
        info = self.git.object_info(repository.path, object_id)
        return info if info is not None and info.type is type_ else None

    def resolve(self, repository: Repository, specifier: str | None) -> str:
        """The commit that a specifier names: a full commit id, a branch, a tag, a full reference or HEAD.

        None means HEAD. Raises CommitDoesNotExistException.
        """
        if specifier is not None and is_object_id(specifier):
            info = self.git.object_info(repository.path, specifier, peel=ObjectType.COMMIT)
            found = info.object_id if info else None
        else:
            found = self._resolve_name(repository, specifier)
        if found is None:
            what = specifier or "HEAD"
            raise CommitDoesNotExistException(f"Commit {what} does not exist")
        return found

    def _resolve_name(self, repository: Repository, specifier: str | None) -> str | None:
        name = specifier
        if name is None or name == "HEAD":
            name = repository.record.default_branch or ""
        references = self.git.references(repository.path)
        for full_name in (name, f"{BRANCH_PREFIX}{name}", f"{TAG_PREFIX}{name}"):
            if full_name in references:
                return references[full_name].commit_id
        return None

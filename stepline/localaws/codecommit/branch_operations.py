"""The API's operations on branches."""

from __future__ import annotations

from stepline.localaws.codecommit.changes import BRANCH_PREFIX, branch_change
from stepline.localaws.codecommit.errors import (
    BranchNameExistsException,
    CommitDoesNotExistException,
    DefaultBranchCannotBeDeletedException,
    InvalidContinuationTokenException,
)
from stepline.localaws.codecommit.git_objects import NO_OBJECT, ObjectType
from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.paths import PAGE_SIZE
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.protocol import Params, page


class BranchOperations:
    """GetBranch, ListBranches, CreateBranch, DeleteBranch."""

    _parts: Parts

    def get_branch(self, params: Params) -> Params:
        repository = self._parts.store.get(params["repositoryName"])
        name = params["branchName"]
        return {"branch": {"branchName": name, "commitId": self._parts.branch_tip(repository, name)}}

    def list_branches(self, params: Params) -> Params:
        repository = self._parts.store.get(params["repositoryName"])
        references = self._parts.git.references(repository.path)
        names = [name.removeprefix(BRANCH_PREFIX) for name in references if name.startswith(BRANCH_PREFIX)]
        shown, token = page(
            names,
            key=str,
            limit=PAGE_SIZE,
            token=params.get("nextToken"),
            invalid_token=InvalidContinuationTokenException("The specified continuation token is not valid."),
        )
        return {"branches": list(shown), "nextToken": token}

    def create_branch(self, params: Params) -> None:
        repository = self._parts.store.get(params["repositoryName"])
        name, commit_id = params["branchName"], params["commitId"]
        self._parts.check_branch_name(name)
        invalid = "InvalidCommitIdException"
        if self._parts.find_object(repository, commit_id, ObjectType.COMMIT, invalid) is None:
            raise CommitDoesNotExistException(f"Commit {commit_id} does not exist")
        if not self._move(repository, name, old=NO_OBJECT, new=commit_id):
            message = f"Branch {name} already exists, or conflicts with a branch that exists"
            raise BranchNameExistsException(message)
        change = branch_change(name, old=NO_OBJECT, new=commit_id)
        self._parts.announcer.announce(repository, [change], settle_default=False)

    def delete_branch(self, params: Params) -> Params:
        """A branch that does not exist is no error: the answer names none."""
        repository = self._parts.store.get(params["repositoryName"])
        name = params["branchName"]
        if name == repository.record.default_branch:
            message = f"Branch {name} is the default branch, and cannot be deleted"
            raise DefaultBranchCannotBeDeletedException(message)
        commit_id = self._delete(repository, name)
        if commit_id is None:
            return {}
        self._parts.announcer.announce(repository, [branch_change(name, old=commit_id, new=NO_OBJECT)])
        return {"deletedBranch": {"branchName": name, "commitId": commit_id}}

    def _delete(self, repository: Repository, name: str) -> str | None:
        """The tip that the branch had. Tries again when a push moves the branch in between."""
        full_name = f"{BRANCH_PREFIX}{name}"
        while (reference := self._parts.git.references(repository.path).get(full_name)) is not None:
            if self._move(repository, name, old=reference.object_id, new=NO_OBJECT):
                return reference.object_id
        return None

    def _move(self, repository: Repository, name: str, *, old: str, new: str) -> bool:
        return self._parts.git.update_reference(repository.path, f"{BRANCH_PREFIX}{name}", new=new, old=old)

"""Creates, moves and deletes branches, and reads what a push changed."""

from __future__ import annotations

from stepline.localaws.codecommit import errors
from stepline.localaws.codecommit.commits import has_object
from stepline.localaws.codecommit.git_objects import NO_OBJECT, ObjectType, is_object_id
from stepline.localaws.codecommit.models import ReferenceChange, ReferenceType
from stepline.localaws.codecommit.store import Repository


def branch_names(repository: Repository) -> list[str]:
    prefix = ReferenceType.BRANCH.prefix
    return [name.removeprefix(prefix) for name in repository.git.references() if name.startswith(prefix)]


def branch_tip(repository: Repository, name: str) -> str:
    """Return the commit ID of a branch. Raises BranchDoesNotExistException."""
    reference = repository.git.references().get(f"{ReferenceType.BRANCH.prefix}{name}")
    if reference is None or reference.commit_id is None:
        raise errors.BranchDoesNotExistException(name)
    return reference.commit_id


def create_branch(repository: Repository, name: str, commit_id: str) -> ReferenceChange:
    """Create a branch and return the change. Raises the errors of CreateBranch."""
    check_branch_name(repository, name)
    if not has_object(repository, commit_id, ObjectType.COMMIT, errors.InvalidCommitIdException):
        raise errors.CommitDoesNotExistException(commit_id)
    change = move_branch(repository, name, old=NO_OBJECT, new=commit_id)
    if change is None:
        raise errors.BranchNameExistsException(
            f"Branch {name} already exists, or conflicts with a branch that exists"
        )
    return change


def delete_branch(repository: Repository, name: str) -> ReferenceChange | None:
    """Delete a branch, also if a push moves it meanwhile. Return None if it does not exist.

    Raises DefaultBranchCannotBeDeletedException.
    """
    if name == repository.record.default_branch:
        raise errors.DefaultBranchCannotBeDeletedException(
            f"Branch {name} is the default branch, and cannot be deleted"
        )
    full_name = f"{ReferenceType.BRANCH.prefix}{name}"
    while (reference := repository.git.references().get(full_name)) is not None:
        if change := move_branch(repository, name, old=reference.object_id, new=NO_OBJECT):
            return change
    return None


def move_branch(repository: Repository, name: str, *, old: str, new: str) -> ReferenceChange | None:
    """Move a branch from `old` to `new`. Return None if it is not at `old` any more."""
    change = ReferenceChange(ReferenceType.BRANCH, name, old, new)
    return change if repository.git.update_reference(change.full_name, new=new, old=old) else None


def check_branch_name(repository: Repository, name: str) -> None:
    """Raise InvalidBranchNameException for an invalid name; a name like an object ID is invalid, too.

    https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html
    """
    if is_object_id(name) or not repository.git.is_reference_name(f"{ReferenceType.BRANCH.prefix}{name}"):
        raise errors.InvalidBranchNameException(f"The branch name {name!r} is not valid")


def parse_push_log(text: str) -> list[ReferenceChange]:
    """Parse the input of git's post-receive hook: lines of `<old> <new> <reference>`.

    References other than branches and tags are left out: CodeCommit has no events for them.
    """
    lines = [line.split(" ", 2) for line in text.splitlines()]
    return [
        ReferenceChange(reference_type, full_name.removeprefix(reference_type.prefix), old, new)
        for old, new, full_name in lines
        for reference_type in ReferenceType
        if full_name.startswith(reference_type.prefix)
    ]

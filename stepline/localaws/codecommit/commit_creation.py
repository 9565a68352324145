"""Creates the commits of CreateCommit and PutFile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stepline.localaws.codecommit import errors
from stepline.localaws.codecommit.commit_request import CommitRequest, PutFileEntry
from stepline.localaws.codecommit.git_objects import NO_OBJECT, Person
from stepline.localaws.codecommit.models import FileMode, ReferenceChange, ReferenceType
from stepline.localaws.codecommit.references import check_branch_name, move_branch
from stepline.localaws.codecommit.settings import DEFAULT_AUTHOR
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.codecommit.tree_edit import TreeEdit


@dataclass(frozen=True)
class NewCommit:
    commit_id: str
    tree_id: str
    edit: TreeEdit
    change: ReferenceChange


def create_commit(repository: Repository, request: CommitRequest, *, now: datetime) -> NewCommit:
    """Create the commit and move its branch to it. Raises the errors of CreateCommit and PutFile."""
    tip = _check_parent(repository, request)
    edit = _apply(repository, request, tip)
    if not edit.changed:
        raise request.no_change_error
    tree_id = repository.git.write_tree(edit.files.values())
    commit_id = repository.git.write_commit(
        tree_id,
        parents=[tip] if tip else [],
        message=request.message or _default_message(edit),
        person=Person(request.author or DEFAULT_AUTHOR, request.email, int(now.timestamp())),
    )
    change = move_branch(repository, request.branch, old=tip or NO_OBJECT, new=commit_id)
    if change is None:
        raise errors.ParentCommitIdOutdatedException(request.branch, request.parent)
    return NewCommit(commit_id, tree_id, edit, change)


def _check_parent(repository: Repository, request: CommitRequest) -> str | None:
    """Return the branch's tip, which must be the request's parent; None in an empty repository."""
    references = repository.git.references()
    branch = references.get(f"{ReferenceType.BRANCH.prefix}{request.branch}")
    if branch is None:
        check_branch_name(repository, request.branch)
        if f"{ReferenceType.TAG.prefix}{request.branch}" in references:
            raise errors.BranchNameIsTagNameException(f"{request.branch} is the name of a tag")
        if references:
            raise errors.BranchDoesNotExistException(request.branch)
        return None
    if not request.parent:
        message = f"A parent commit ID is required; the tip of {request.branch} is {branch.object_id}"
        raise errors.ParentCommitIdRequiredException(message)
    if repository.git.object_info(request.parent) is None:
        raise errors.ParentCommitDoesNotExistException(f"The parent commit {request.parent} does not exist")
    if request.parent != branch.object_id:
        raise errors.ParentCommitIdOutdatedException(request.branch, request.parent)
    return branch.object_id


def _apply(repository: Repository, request: CommitRequest, tip: str | None) -> TreeEdit:
    edit = TreeEdit.of(repository.git.list_files(tip) if tip else [])
    blobs = [_blob(repository, edit, entry) for entry in request.puts]
    removed = [*request.deletes, *request.moved]
    for path in removed:
        edit.delete(path)
    for entry, (blob_id, mode) in zip(request.puts, blobs, strict=True):
        edit.put(entry.path, blob_id, mode)
    for path, mode in request.modes:
        edit.set_mode(path, mode)
    if request.keep_empty_folders and removed:
        edit.keep_folders(removed, repository.git.write_blob(b""))
    return edit


def _blob(repository: Repository, edit: TreeEdit, entry: PutFileEntry) -> tuple[str, FileMode | None]:
    """Return blob ID and mode of new content, or of a file of the parent commit."""
    if entry.source is None:
        return repository.git.write_blob(entry.content or b""), entry.mode
    source = edit.file(entry.source.path)
    return source.object_id, entry.mode or FileMode.of(source.mode)


def _default_message(edit: TreeEdit) -> str:
    changes = {"Added": edit.added, "Edited": edit.updated, "Deleted": edit.deleted}
    lines = [f"{verb} {item.path}" for verb, items in changes.items() for item in items]
    return lines[0] if len(lines) == 1 else "\n".join([f"Changed {len(lines)} files", "", *lines])

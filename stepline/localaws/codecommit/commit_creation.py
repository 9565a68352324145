"""CreateCommit and PutFile: commits made through the API."""

from __future__ import annotations

import uuid

from stepline.localaws.codecommit.changes import BRANCH_PREFIX, TAG_PREFIX, branch_change
from stepline.localaws.codecommit.commit_request import (
    CommitRequest,
    PutFileEntry,
    parse_create_commit,
    parse_put_file,
)
from stepline.localaws.codecommit.errors import (
    BranchDoesNotExistException,
    BranchNameIsTagNameException,
    NoChangeException,
    ParentCommitDoesNotExistException,
    ParentCommitIdOutdatedException,
    ParentCommitIdRequiredException,
    SameFileContentException,
)
from stepline.localaws.codecommit.git_objects import NO_OBJECT, Person
from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.paths import FileMode
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.codecommit.tree_edit import TreeEdit
from stepline.localaws.protocol import AwsError, Params

DEFAULT_AUTHOR = "root"
"""Author of a commit without one: the name of the caller, who here is always the account's root user."""


class CommitCreationOperations:
    """CreateCommit, PutFile."""

    _parts: Parts

    def create_commit(self, params: Params) -> Params:
        request = parse_create_commit(params)
        repository = self._parts.store.get(params["repositoryName"])
        tip = self._check_parent(repository, request)
        edit = self._apply(repository, request, tip)
        if not edit.changed:
            raise NoChangeException("The commit would change nothing")
        tree_id, commit_id = self._store_commit(repository, request, edit, tip)
        return {
            "commitId": commit_id,
            "treeId": tree_id,
            "filesAdded": [change.as_answer() for change in edit.added],
            "filesUpdated": [change.as_answer() for change in edit.updated],
            "filesDeleted": [change.as_answer() for change in edit.deleted],
        }

    def put_file(self, params: Params) -> Params:
        request = parse_put_file(params)
        repository = self._parts.store.get(params["repositoryName"])
        tip = self._check_parent(repository, request)
        edit = self._apply(repository, request, tip)
        path = request.puts[0].path
        if not edit.changed:
            raise SameFileContentException(f"{path} has this content already")
        tree_id, commit_id = self._store_commit(repository, request, edit, tip)
        return {"commitId": commit_id, "blobId": edit.files[path].object_id, "treeId": tree_id}

    def _check_parent(self, repository: Repository, request: CommitRequest) -> str | None:
        """The branch's tip, which must be the parent that the caller knows; None in an empty repository."""
        references = self._parts.git.references(repository.path)
        branch = references.get(f"{BRANCH_PREFIX}{request.branch}")
        if branch is None:
            self._parts.check_branch_name(request.branch)
            if f"{TAG_PREFIX}{request.branch}" in references:
                raise BranchNameIsTagNameException(f"{request.branch} is the name of a tag")
            if references:
                raise BranchDoesNotExistException(f"Branch {request.branch} does not exist")
            return None
        if not request.parent:
            message = f"A parent commit ID is required; the tip of {request.branch} is {branch.object_id}"
            raise ParentCommitIdRequiredException(message)
        if self._parts.git.object_info(repository.path, request.parent) is None:
            message = f"The parent commit {request.parent} does not exist"
            raise ParentCommitDoesNotExistException(message)
        if request.parent != branch.object_id:
            raise _outdated(request.branch, request.parent)
        return branch.object_id

    def _apply(self, repository: Repository, request: CommitRequest, tip: str | None) -> TreeEdit:
        git = self._parts.git
        edit = TreeEdit.of(git.list_files(repository.path, tip) if tip else [])
        blobs = [self._blob(repository, edit, entry) for entry in request.puts]
        removed = [*request.deletes, *request.moved]
        for path in removed:
            edit.delete(path)
        for entry, (blob_id, mode) in zip(request.puts, blobs, strict=True):
            edit.put(entry.path, blob_id, mode)
        for path, mode in request.modes:
            edit.set_mode(path, mode)
        if request.keep_empty_folders and removed:
            edit.keep_folders(removed, git.write_blob(repository.path, b""))
        return edit

    def _blob(
        self, repository: Repository, edit: TreeEdit, entry: PutFileEntry
    ) -> tuple[str, FileMode | None]:
        """What to put: new content, or a file of the parent commit with its mode."""
        if entry.source is None:
            return self._parts.git.write_blob(repository.path, entry.content or b""), entry.mode
        source = edit.file(entry.source.path)
        return source.object_id, entry.mode or FileMode.of(source.mode)

    def _store_commit(
        self, repository: Repository, request: CommitRequest, edit: TreeEdit, tip: str | None
    ) -> tuple[str, str]:
        """Ids of the tree and of the commit, which is then the branch's tip and announced."""
        git = self._parts.git
        tree_id = self._store_tree(repository, edit)
        person = Person(
            request.author or DEFAULT_AUTHOR, request.email, int(self._parts.clock.now().timestamp())
        )
        message = request.message or _default_message(edit)
        parents = [tip] if tip else []
        commit_id = git.write_commit(
            repository.path, tree_id, parents=parents, message=message, person=person
        )
        old, name = tip or NO_OBJECT, f"{BRANCH_PREFIX}{request.branch}"
        if not git.update_reference(repository.path, name, new=commit_id, old=old):
            raise _outdated(request.branch, request.parent)
        self._parts.announcer.announce(repository, [branch_change(request.branch, old=old, new=commit_id)])
        return tree_id, commit_id

    def _store_tree(self, repository: Repository, edit: TreeEdit) -> str:
        index = self._parts.work / f"index-{uuid.uuid4()}"
        try:
            return self._parts.git.write_tree(repository.path, edit.files.values(), index=index)
        finally:
            index.unlink(missing_ok=True)


def _outdated(branch: str, parent: str) -> AwsError:
    message = f"The parent commit {parent} is not the tip of {branch} any more; see GetBranch"
    return ParentCommitIdOutdatedException(message)


def _default_message(edit: TreeEdit) -> str:
    done = [
        f"{verb} {change.path}"
        for verb, changes in (("Added", edit.added), ("Edited", edit.updated), ("Deleted", edit.deleted))
        for change in changes
    ]
    return done[0] if len(done) == 1 else "\n".join([f"Changed {len(done)} files", "", *done])

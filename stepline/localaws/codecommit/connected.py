"""The repositories of GitHub and other providers, which pipelines reach by connections: kept on this machine.

They are pushed to and cloned from `/v1/repos/<owner>/<name>`, beside those of CodeCommit, whose names have no
slash. A repository is created by the first push to it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import BinaryIO

from stepline.localaws.codecommit.commits import read_commit
from stepline.localaws.codecommit.git_objects import NO_OBJECT, ObjectType
from stepline.localaws.codecommit.models import Commit, ReferenceChange, ReferenceType, RepositoryRecord
from stepline.localaws.codecommit.processes import ProcessGroups
from stepline.localaws.codecommit.references import branch_tip
from stepline.localaws.codecommit.store import Repository, RepositoryStore
from stepline.localaws.context import Context

OnChange = Callable[[str, ReferenceChange], object]
"""Called with the name of the repository and a change of one of its branches or tags."""


class ConnectedRepositories:
    """The repositories by their full name, `owner/name`; GitLab's may have more parts.

    The methods raise the errors of CodeCommit for what does not exist.
    """

    def __init__(self, context: Context, store: RepositoryStore, groups: ProcessGroups) -> None:
        self._context = context
        self._store = store
        self._groups = groups
        self._subscribers: list[OnChange] = []

    def subscribe(self, on_change: OnChange) -> None:
        """Call `on_change` before a push that has changed something returns."""
        self._subscribers.append(on_change)

    def find(self, name: str) -> Repository | None:
        return self._store.find(name)

    def find_or_create(self, name: str) -> Repository:
        now = self._context.clock.now()
        record = RepositoryRecord(
            repository_id=str(uuid.uuid4()), name=name, creation_date=now, last_modified_date=now
        )
        return self._store.find(name) or self._store.create(record)

    def branch_tip(self, name: str, branch: str) -> str:
        """Return the id of the branch's last commit."""
        return branch_tip(self._store.get(name), branch)

    def read_commit(self, name: str, commit_id: str) -> Commit:
        return read_commit(self._store.get(name), commit_id)

    def archive(self, name: str, commit_id: str, target: BinaryIO) -> None:
        """Write a zip of the commit's tree to `target`."""
        self._store.get(name).git.archive(commit_id, target, self._groups)

    def commit_of(self, name: str, object_id: str) -> str:
        """Return the commit that an annotated tag leads to; any other id as it is."""
        info = self._store.get(name).git.object_info(object_id, peel=ObjectType.COMMIT)
        return info.object_id if info else object_id

    def changed_files(self, name: str, change: ReferenceChange) -> list[str]:
        """Return the paths that a push changed: of a new branch, what differs from the default branch."""
        repository = self._store.get(name)
        old = self._default_tip(repository, change) if change.old == NO_OBJECT else change.old
        new = self.commit_of(name, change.new)
        if old is None:
            return [entry.path for entry in repository.git.list_files(new)]
        return [item.path for item in repository.git.diff_trees(self.commit_of(name, old), new)]

    def publish(self, repository: Repository, changes: Sequence[ReferenceChange]) -> None:
        """Make the first branch the default branch, and tell the subscribers of the changes."""
        with repository.lock:
            if not changes or repository.is_deleted:
                return
            repository.change(last_modified_date=self._context.clock.now())
            if repository.record.default_branch is None:
                set_first_default_branch(repository, changes)
        for change in changes:
            for on_change in self._subscribers:
                on_change(repository.record.name, change)

    def _default_tip(self, repository: Repository, change: ReferenceChange) -> str | None:
        branch = repository.record.default_branch
        if branch is None or branch == change.name:
            return None
        reference = repository.git.references().get(f"{ReferenceType.BRANCH.prefix}{branch}")
        return reference.object_id if reference else None


def set_first_default_branch(repository: Repository, changes: Sequence[ReferenceChange]) -> None:
    """Make the first branch of `changes` the default branch of a repository that has none."""
    for change in changes:
        if change.type is ReferenceType.BRANCH and change.new != NO_OBJECT:
            repository.set_default_branch(change.name)
            return

"""What happens after references changed: the default branch, the modification date, the events.

Both ways of changing a reference end here. A push is known by what git told the
post-receive hook, an API call by the reference update that it made itself: each knows
exactly its own changes, because git updates a reference only from the value that the
writer saw. Comparing all references before and after instead would need pushes to wait
for each other for their whole duration, and could not tell two quick updates of one
branch from one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from stepline.localaws.clock import Clock
from stepline.localaws.codecommit.changes import (
    EVENT_DETAIL_TYPE,
    EVENT_SOURCE,
    ReferenceChange,
    ReferenceType,
    event_detail,
)
from stepline.localaws.codecommit.git import Git
from stepline.localaws.codecommit.git_objects import NO_OBJECT, ObjectType
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.events import AwsEvent, EventSink

_log = logging.getLogger(__name__)


class Announcer:
    """Tells the world what changed in a repository. Safe for threads."""

    def __init__(self, git: Git, clock: Clock, events: EventSink, *, account_id: str, region: str) -> None:
        self._git = git
        self._clock = clock
        self._events = events
        self._account_id = account_id
        self._region = region

    def repository_arn(self, name: str) -> str:
        return f"arn:aws:codecommit:{self._region}:{self._account_id}:{name}"

    def announce(
        self, repository: Repository, changes: Sequence[ReferenceChange], *, settle_default: bool = True
    ) -> None:
        """Call once for each set of changes, after they are visible. Events of different writers may mix.

        CodeCommit makes the first branch that arrives the default branch, except if CreateBranch made it
        (`settle_default`). Nothing is announced of a repository that was deleted meanwhile.
        """
        with repository.lock:
            if not changes or repository.deleted:
                return
            repository.change(last_modified_date=self._clock.now())
            if settle_default:
                self._settle_default_branch(repository, changes)
        for change in changes:
            try:
                self._emit(repository, change)
            except Exception:
                _log.exception("the event of a changed reference was not delivered: %s", change.full_name)

    def _settle_default_branch(self, repository: Repository, changes: Sequence[ReferenceChange]) -> None:
        if repository.record.default_branch is not None:
            return
        for change in changes:
            if change.type is ReferenceType.BRANCH and change.new != NO_OBJECT:
                self._git.set_head(repository.path, change.full_name)
                repository.change(default_branch=change.short_name)
                return

    def _emit(self, repository: Repository, change: ReferenceChange) -> None:
        detail = event_detail(
            change,
            repository_name=repository.record.name,
            repository_id=repository.record.repository_id,
            caller_user_arn=f"arn:aws:iam::{self._account_id}:root",
            old_commit_id=self._commit_id(repository, change.old),
            commit_id=self._commit_id(repository, change.new),
        )
        resources = (self.repository_arn(repository.record.name),)
        self._events(AwsEvent(EVENT_SOURCE, EVENT_DETAIL_TYPE, detail, self._clock.now(), resources))

    def _commit_id(self, repository: Repository, object_id: str) -> str:
        if object_id == NO_OBJECT:
            return object_id
        info = self._git.object_info(repository.path, object_id, peel=ObjectType.COMMIT)
        return info.object_id if info else object_id

"""The events that CodeCommit publishes when branches and tags change.

Shape of the event: "referenceCreated event" and the two after it in
https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from stepline.localaws.codecommit.connected import OnChange, set_first_default_branch
from stepline.localaws.codecommit.git_objects import ObjectType
from stepline.localaws.codecommit.models import ChangeType, ReferenceChange
from stepline.localaws.codecommit.names import Names
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.codecommit.triggers import TriggerNotifications
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent

_log = logging.getLogger(__name__)


class ChangePublisher:
    """Updates a repository's metadata and publishes events after its references changed. Safe for threads.

    The changes of a push come from git's post-receive hook, those of an API call from its own reference
    update: git updates a reference only from the value that the writer knows, so both are exact. Comparing
    all references before and after a push instead would need pushes to wait for each other, and could not
    distinguish two quick updates of a branch from one.
    """

    def __init__(self, context: Context, names: Names) -> None:
        self._context = context
        self._names = names
        self._subscribers: list[OnChange] = []
        self.triggers = TriggerNotifications(context, names)

    def subscribe(self, on_change: OnChange) -> None:
        """Call `on_change` after the event of a change was published."""
        self._subscribers.append(on_change)

    def publish(
        self, repository: Repository, changes: Sequence[ReferenceChange], *, may_set_default: bool = True
    ) -> None:
        """Publish changes that are visible already. Events of different writers may mix.

        The first branch becomes the default branch, except if CreateBranch created it (`may_set_default`).
        Nothing is published for a repository that was deleted meanwhile.
        """
        with repository.lock:
            if not changes or repository.is_deleted:
                return
            repository.change(last_modified_date=self._context.clock.now())
            if may_set_default and repository.record.default_branch is None:
                set_first_default_branch(repository, changes)
        for change in changes:
            try:
                self._publish(repository, change)
                for on_change in self._subscribers:
                    on_change(repository.record.name, change)
            except Exception:
                _log.exception("the event of a changed reference was not published: %s", change.full_name)

    def _publish(self, repository: Repository, change: ReferenceChange) -> None:
        event = self.event(repository, change)
        self._context.events(event)
        self.triggers.send(repository.record, change, event)

    def event(self, repository: Repository, change: ReferenceChange) -> AwsEvent:
        """Return the event of a change."""
        record = repository.record
        detail = {
            "event": change.change_type.value,
            "repositoryName": record.name,
            "repositoryId": record.repository_id,
            "referenceType": change.type.value,
            "referenceName": change.name,
            "referenceFullName": change.full_name,
            "callerUserArn": f"arn:aws:iam::{self._context.account_id}:root",
        }
        if change.change_type is not ChangeType.DELETED:
            detail["commitId"] = _commit_id(repository, change.new)
        if change.change_type is not ChangeType.CREATED:
            detail["oldCommitId"] = _commit_id(repository, change.old)
        return AwsEvent(
            "aws.codecommit",
            "CodeCommit Repository State Change",
            detail,
            self._context.clock.now(),
            resources=(self._names.arn(record.name),),
        )


def _commit_id(repository: Repository, object_id: str) -> str:
    """Return the commit that an annotated tag leads to; any other object ID as it is."""
    info = repository.git.object_info(object_id, peel=ObjectType.COMMIT)
    return info.object_id if info else object_id

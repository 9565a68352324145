"""The triggers of a repository: which SNS topics and functions are notified of which changes.

https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-notify.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from stepline.localaws.codecommit import errors
from stepline.localaws.codecommit.models import ChangeType, ReferenceChange, ReferenceType, RepositoryRecord
from stepline.localaws.codecommit.names import Names
from stepline.localaws.codecommit.settings import MAX_TRIGGER_BRANCHES, MAX_TRIGGERS
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent

Trigger = Mapping[str, Any]
"""The API's RepositoryTrigger."""

Notify = Callable[[str, str], None]
"""Sends a message, JSON text, to the SNS topic or the function with that ARN."""

_ALL = "all"
_EVENTS = {
    ChangeType.CREATED: "createReference",
    ChangeType.UPDATED: "updateReference",
    ChangeType.DELETED: "deleteReference",
}
_FLAGS = {ChangeType.CREATED: "created", ChangeType.DELETED: "deleted"}
_SERVICES = ("sns", "lambda")


def check_triggers(triggers: Sequence[Trigger]) -> None:
    """Raises an AwsError for triggers that the service model accepts and CodeCommit refuses."""
    if len(triggers) > MAX_TRIGGERS:
        raise errors.MaximumRepositoryTriggersExceededException(
            f"A repository can have {MAX_TRIGGERS} triggers at most"
        )
    names = [trigger["name"] for trigger in triggers]
    if len(set(names)) < len(names):
        raise errors.InvalidRepositoryTriggerNameException("The names of triggers must be unique")
    for trigger in triggers:
        _check_trigger(trigger)


def _check_trigger(trigger: Trigger) -> None:
    if len(trigger.get("branches", ())) > MAX_TRIGGER_BRANCHES:
        raise errors.MaximumBranchesExceededException(
            f"The trigger {trigger['name']} has more than {MAX_TRIGGER_BRANCHES} branches"
        )
    if not trigger["events"]:
        raise errors.RepositoryTriggerEventsListRequiredException
    parts = trigger["destinationArn"].split(":")
    if parts[0] != "arn" or parts[2:3] == [] or parts[2] not in _SERVICES:
        raise errors.InvalidRepositoryTriggerDestinationArnException


class TriggerNotifications:
    """Notifies the destinations of triggers, in the background."""

    def __init__(self, context: Context, names: Names) -> None:
        self._context = context
        self._names = names
        self.notify: Notify | None = None

    def send(self, record: RepositoryRecord, change: ReferenceChange, event: AwsEvent) -> None:
        """Notify of a change, whose event says which commit it is."""
        notify = self.notify
        if notify is None:
            return
        commit = event.detail.get("commitId") or event.detail["oldCommitId"]
        for trigger in record.triggers:
            if is_notified(trigger, change):
                message = json.dumps(self._message(record, trigger, reference(change, commit)))
                self._context.clock.call_later(0, partial(notify, trigger["destinationArn"], message))

    def _message(
        self, record: RepositoryRecord, trigger: Trigger, changed: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the event that the function gets, or the message of the topic.

        https://docs.aws.amazon.com/lambda/latest/dg/services-codecommit.html
        """
        now = self._context.clock.now()
        found = {
            "awsRegion": self._context.region,
            "codecommit": {"references": [changed]},
            "eventId": str(uuid.uuid4()),
            "eventName": "ReferenceChanges",
            "eventPartNumber": 1,
            "eventSource": "aws:codecommit",
            "eventSourceARN": self._names.arn(record.name),
            "eventTime": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}+0000",
            "eventTotalParts": 1,
            "eventTriggerConfigId": record.triggers_id,
            "eventTriggerName": trigger["name"],
            "eventVersion": "1.0",
            "userIdentityARN": f"arn:aws:iam::{self._context.account_id}:root",
        }
        if custom := trigger.get("customData"):
            found["customData"] = custom
        return {"Records": [found]}


def reference(change: ReferenceChange, commit: str) -> dict[str, Any]:
    """Return a changed reference as it is in the message."""
    flag = _FLAGS.get(change.change_type)
    return {"commit": commit, "ref": change.full_name, **({flag: True} if flag else {})}


def is_notified(trigger: Trigger, change: ReferenceChange) -> bool:
    """Return whether the trigger is for this event and branch. Without branches it is for all references."""
    branches = trigger.get("branches") or ()
    is_named = change.type is ReferenceType.BRANCH and change.name in branches
    return bool({_ALL, _EVENTS[change.change_type]} & set(trigger["events"])) and (not branches or is_named)

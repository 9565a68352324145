"""Changed references, and the event that CodeCommit emits for each.

Shape of the event: "referenceCreated event" and the two after it in
https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from stepline.localaws.codecommit.git_objects import NO_OBJECT

BRANCH_PREFIX = "refs/heads/"
TAG_PREFIX = "refs/tags/"

EVENT_SOURCE = "aws.codecommit"
EVENT_DETAIL_TYPE = "CodeCommit Repository State Change"


class ReferenceType(StrEnum):
    BRANCH = "branch"
    TAG = "tag"


class ChangeType(StrEnum):
    CREATED = "referenceCreated"
    UPDATED = "referenceUpdated"
    DELETED = "referenceDeleted"


_PREFIXES = {BRANCH_PREFIX: ReferenceType.BRANCH, TAG_PREFIX: ReferenceType.TAG}


@dataclass(frozen=True)
class ReferenceChange:
    """A branch or tag that moved: full name, and object id before and after (`NO_OBJECT`: none)."""

    type: ReferenceType
    full_name: str
    old: str
    new: str

    @property
    def short_name(self) -> str:
        prefix = BRANCH_PREFIX if self.type is ReferenceType.BRANCH else TAG_PREFIX
        return self.full_name.removeprefix(prefix)

    @property
    def change_type(self) -> ChangeType:
        if self.old == NO_OBJECT:
            return ChangeType.CREATED
        return ChangeType.DELETED if self.new == NO_OBJECT else ChangeType.UPDATED


def branch_change(name: str, *, old: str, new: str) -> ReferenceChange:
    return ReferenceChange(ReferenceType.BRANCH, f"{BRANCH_PREFIX}{name}", old, new)


def parse_push_log(text: str) -> list[ReferenceChange]:
    """What git told its post-receive hook: lines of `<old> <new> <reference>`.

    Only branches and tags count; CodeCommit has no events for other references.
    """
    return list(_parsed(line.split(" ", 2) for line in text.splitlines()))


def _parsed(lines: Iterable[list[str]]) -> Iterable[ReferenceChange]:
    for old, new, full_name in lines:
        for prefix, type_ in _PREFIXES.items():
            if full_name.startswith(prefix):
                yield ReferenceChange(type_, full_name, old, new)


def event_detail(
    change: ReferenceChange,
    *,
    repository_name: str,
    repository_id: str,
    caller_user_arn: str,
    old_commit_id: str,
    commit_id: str,
) -> dict[str, str]:
    """The event's `detail`; the commit ids are those of `change` with annotated tags peeled."""
    detail = {
        "event": change.change_type.value,
        "repositoryName": repository_name,
        "repositoryId": repository_id,
        "referenceType": change.type.value,
        "referenceName": change.short_name,
        "referenceFullName": change.full_name,
        "callerUserArn": caller_user_arn,
    }
    if change.change_type is not ChangeType.DELETED:
        detail["commitId"] = commit_id
    if change.change_type is not ChangeType.CREATED:
        detail["oldCommitId"] = old_commit_id
    return detail

"""Builds the parts that the documents of several pages have: revisions, actions, executions, approvals."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from stepline.aws.execution_history import parse_standard_execution
from stepline.aws.pipelines import ActionError, ExecutionSummary
from stepline.aws.redaction import redact_optional
from stepline.aws.revisions import Revision
from stepline.aws.summaries import summary_line
from stepline.aws.target import Target
from stepline.aws.times import iso_time
from stepline.aws.workflow_approvals import (
    WorkflowApproval,
    list_approval_tables,
    list_readable_workflow_approvals,
)
from stepline.console.addresses import approval_address, execution_address, web_link
from stepline.console.pages import Console
from stepline.core.aws_errors import FailureKind, classify

_REQUESTS_INTERVAL: Final = timedelta(seconds=20)
"""Between two looks for requests of state machines on AWS [ours]: each costs two calls or more."""


@dataclass(frozen=True)
class Period:
    """From when to when something ran; `ended` is None while it runs."""

    started: datetime | None
    ended: datetime | None

    def members(self) -> dict[str, Any]:
        """`seconds` is null while it runs: the page counts on from `since`, so that the document stays."""
        is_over = self.started is not None and self.ended is not None
        return {
            "started": iso_time(self.started),
            "ended": iso_time(self.ended),
            "seconds": _seconds(self.started, self.ended) if is_over else None,
            "since": None if is_over or self.ended else iso_time(self.started),
        }


def _seconds(started: datetime | None, ended: datetime | None) -> float | None:
    return round((ended - started).total_seconds(), 3) if started and ended else None


def error_members(error: ActionError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {"code": error.code, "message": redact_optional(summary_line(error.message))}


def target_members(target: Target, external_id: str | None, external_url: str | None) -> dict[str, Any]:
    """Return where an action's work can be seen: here if it is a Standard execution, or else elsewhere."""
    execution = parse_standard_execution(external_id)
    return {
        "workflow": str(execution) if execution else None,
        "address": execution_address(str(execution)) if execution else None,
        "link": None if execution else web_link(external_url, target),
    }


def revision_members(revision: Revision, author: str | None = None) -> dict[str, Any]:
    return {
        "action": revision.action,
        "revisionId": revision.id,
        "summary": redact_optional(revision.message),
        "author": revision.author or author,
    }


def execution_members(execution: ExecutionSummary, revisions: Sequence[Revision]) -> dict[str, Any]:
    trigger = execution.trigger
    ended = execution.last_update_time if execution.status.has_ended else None
    return {
        "id": execution.id,
        "status": execution.status.value,
        "statusSummary": redact_optional(execution.status_summary),
        "trigger": {"type": trigger.type, "detail": trigger.detail} if trigger else None,
        "revisions": [revision_members(each) for each in revisions],
        **Period(execution.start_time, ended).members(),
    }


def request_members(approval: WorkflowApproval) -> dict[str, Any]:
    return {"title": approval.title, "address": approval_address(approval)}


def readable_tables(console: Console) -> list[str]:
    """Return the tables with requests for approval; none if they may not be listed."""
    try:
        return list_approval_tables(console.target)
    except ClientError as error:
        if classify(error) is not FailureKind.PERMISSION:
            raise
        return []


class RequestReader:
    """Looks for requests of state machines for approval: when something has changed, and now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state: Hashable = None
        self._due: datetime | None = None
        self._tables: list[str] | None = None
        self._found: list[WorkflowApproval] = []

    def read(self, state: Hashable) -> list[WorkflowApproval]:
        """Return what waits; read it again if `state` is another one than before, or after some seconds."""
        now = self._console.now()
        if self._due is None or state != self._state or now >= self._due:
            if self._tables is None:
                self._tables = readable_tables(self._console)
            self._found = list_readable_workflow_approvals(self._console.target, self._tables)
            interval = timedelta() if self._console.target.is_local else _REQUESTS_INTERVAL
            self._state, self._due = state, now + interval
        return self._found

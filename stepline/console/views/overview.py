"""The first page: what waits for a person, and all pipelines with their latest executions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from stepline.aws.approvals import AnyApproval, approvals_of_states
from stepline.aws.pipelines import (
    ExecutionSummary,
    StageState,
    list_latest_executions,
    list_pipeline_names,
    read_stage_states,
)
from stepline.aws.times import iso_time
from stepline.aws.workflow_approvals import list_readable_workflow_approvals
from stepline.console.addresses import approval_address
from stepline.console.pages import Console, Document, Page, Query, Read
from stepline.console.pipeline_documents import readable_tables

_LIST_AGAIN = timedelta(minutes=1)
"""New pipelines and installations are found after that time; what they do is shown at once."""


class _Overview:
    """Reads the state of each pipeline again and again, and the rest only if it may have changed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._codepipeline = console.target.client("codepipeline")
        self._listed: datetime | None = None
        self._names: list[str] = []
        self._tables: list[str] = []
        self._latest: dict[str, tuple[Any, tuple[ExecutionSummary, ...]]] = {}

    def read(self) -> Document:
        self._list()
        states = {name: read_stage_states(self._codepipeline, name) for name in self._names}
        manual = [each for name in self._names for each in approvals_of_states(name, states[name])]
        requests = list_readable_workflow_approvals(self._console.target, self._tables)
        waiting: list[AnyApproval] = [*manual, *requests]
        return {
            "title": "Pipelines",
            "isLive": True,
            "waiting": [{"title": each.title, "address": approval_address(each)} for each in waiting],
            "pipelines": [
                pipeline_document(name, states[name], self._executions(name, states[name]))
                for name in self._names
            ],
        }

    def _list(self) -> None:
        now = self._console.now()
        if self._listed is None or now - self._listed >= _LIST_AGAIN:
            self._names = list_pipeline_names(self._codepipeline)
            self._tables = readable_tables(self._console)
            self._listed = now

    def _executions(self, name: str, stages: tuple[StageState, ...]) -> tuple[ExecutionSummary, ...]:
        """Return the latest executions, which are read again if the pipeline's state has changed."""
        state = [(stage.execution_id, stage.status, stage.inbound) for stage in stages]
        known = self._latest.get(name)
        if known is None or known[0] != state or _is_incomplete(known[1]):
            known = self._latest[name] = state, list_latest_executions(self._codepipeline, name)
        return known[1]


def _is_incomplete(executions: tuple[ExecutionSummary, ...]) -> bool:
    """Return whether the newest one may end, or get its revisions, without a change of a stage's state."""
    return bool(executions) and executions[0].status.is_running


def _open(console: Console, _query: Query) -> Read:
    return _Overview(console).read


def pipeline_document(
    name: str, stages: tuple[StageState, ...], executions: tuple[ExecutionSummary, ...]
) -> dict[str, Any]:
    return {
        "name": name,
        "stages": [{"name": stage.name, "status": stage.status.value} for stage in stages],
        "latest": execution_document(executions[0]) if executions else None,
    }


def execution_document(execution: ExecutionSummary) -> dict[str, Any]:
    return {
        "id": execution.id,
        "status": execution.status.value,
        "started": iso_time(execution.start_time),
        "updated": iso_time(execution.last_update_time),
        "trigger": execution.trigger.type if execution.trigger else None,
        "revisions": [
            {"action": each.action_name, "revisionId": each.revision_id, "summary": each.summary}
            for each in execution.source_revisions
        ],
    }


PAGES = (Page("/", "overview.html", _open),)

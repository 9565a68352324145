"""The first page: what waits for a person, and all pipelines with their latest executions."""

from __future__ import annotations

from functools import partial
from typing import Any

from stepline.aws.approvals import AnyApproval, approvals_of_states
from stepline.aws.pipelines import (
    ExecutionSummary,
    StageState,
    list_latest_executions,
    list_pipeline_names,
    read_stage_states,
)
from stepline.aws.workflow_approvals import list_readable_workflow_approvals
from stepline.console.addresses import approval_address
from stepline.console.pages import Console, Document, Page, Query, Read, iso_time


def _open(console: Console, _query: Query) -> Read:
    return partial(_read, console)


def _read(console: Console) -> Document:
    codepipeline = console.target.client("codepipeline")
    names = list_pipeline_names(codepipeline)
    states = {name: read_stage_states(codepipeline, name) for name in names}
    manual = [each for name in names for each in approvals_of_states(name, states[name])]
    waiting: list[AnyApproval] = [*manual, *list_readable_workflow_approvals(console.target)]
    return {
        "title": "Pipelines",
        "isLive": True,
        "waiting": [{"title": each.title, "address": approval_address(each)} for each in waiting],
        "pipelines": [
            pipeline_document(name, states[name], list_latest_executions(codepipeline, name))
            for name in names
        ],
    }


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

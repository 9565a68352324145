"""The page of one execution of a pipeline: stages, actions, and the states of their state machines."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from stepline.aws.approvals import APPROVAL_PROVIDER
from stepline.aws.console_links import pipeline_link
from stepline.aws.failed_actions import FailedAction, list_failed_actions
from stepline.aws.pipeline_executions import (
    ActionExecution,
    ExecutionReader,
    PipelineExecution,
    StageExecution,
)
from stepline.aws.pipelines import PARALLEL, PipelineDefinition, read_definition, read_execution
from stepline.aws.redaction import redact_json, redact_optional, redact_text
from stepline.aws.revisions import Revision, RevisionReader
from stepline.aws.state_rows import StateRow, list_state_rows
from stepline.aws.statuses import Status, VisitStatus
from stepline.aws.summaries import error_line, summary_line
from stepline.aws.target import Target
from stepline.aws.times import iso_time
from stepline.console.act_links import retry_act, stop_pipeline_act
from stepline.console.addresses import manual_approval_address, pipeline_address
from stepline.console.pages import Console, Document, Page, PageNotFoundError, Query, Read
from stepline.console.pipeline_documents import (
    Period,
    RequestReader,
    error_members,
    request_members,
    revision_members,
    target_members,
)
from stepline.core.approvals import ASKING_STATES
from stepline.core.aws_errors import error_code

_MISSING: Final = frozenset({"PipelineNotFoundException", "PipelineExecutionNotFoundException"})
_AUTHOR_VARIABLE: Final = "AuthorDisplayName"
"""Output variable of a source that is a connection; AWS has it without documenting it [user reports]."""

_MAX_STATES: Final = 40
"""States of an action that are shown inline [ours], the last ones: the execution's own page has all."""


def _open(console: Console, query: Query) -> Read:
    codepipeline = console.target.client("codepipeline")
    name, execution_id = query.path["name"], query.path["id"]
    try:
        summary = read_execution(codepipeline, name, execution_id)
    except ClientError as error:
        if error_code(error) not in _MISSING and not _is_malformed(error):
            raise
        raise PageNotFoundError(
            f"pipeline {name} has no execution {execution_id} in {console.target}"
        ) from error
    definition = read_definition(codepipeline, name, summary.pipeline_version)
    stepfunctions = partial(console.target.client, "stepfunctions")
    reader = ExecutionReader(codepipeline, stepfunctions, definition, summary)
    return _PipelineExecutionReader(console, definition, reader)


def _is_malformed(error: ClientError) -> bool:
    return error_code(error) == "ValidationException"


class _PipelineExecutionReader:
    """Reads the document."""

    def __init__(self, console: Console, definition: PipelineDefinition, reader: ExecutionReader) -> None:
        self._console = console
        self._definition = definition
        self._reader = reader
        self._requests = RequestReader(console)

    def __call__(self) -> Document:
        execution = self._reader.read()
        definition, summary, trigger = self._definition, execution.summary, execution.summary.trigger
        link = pipeline_link(definition.arn, summary.id)
        return {
            "title": f"{execution.pipeline} {summary.id[:8]}",
            "isLive": not execution.status.has_ended,
            "pipeline": execution.pipeline,
            "pipelineAddress": pipeline_address(execution.pipeline),
            "id": summary.id,
            "status": execution.status.value,
            "statusSummary": redact_optional(summary.status_summary),
            "trigger": {"type": trigger.type, "detail": trigger.detail} if trigger else None,
            "revisions": self._revisions(execution),
            **Period(execution.started, execution.ended).members(),
            "consoleLink": None if self._console.target.is_local else link,
            "acts": self._acts(execution),
            "failures": self._failures(execution),
            "waiting": self._waiting(execution),
            "stages": [_stage(self._console.target, stage) for stage in execution.stages],
        }

    def _revisions(self, execution: PipelineExecution) -> list[dict[str, Any]]:
        (revisions,) = self._console.keep(RevisionReader).read(self._definition, [execution.summary])
        return [revision_members(each, _author(execution, each)) for each in revisions]

    def _acts(self, execution: PipelineExecution) -> list[dict[str, Any]]:
        name, execution_id = execution.pipeline, execution.summary.id
        if execution.status.is_running:
            return stop_pipeline_act(self._console, name, execution_id)
        if execution.status is Status.SUPERSEDED:
            return []
        is_parallel = self._definition.execution_mode == PARALLEL
        retryable = (
            each.name
            for each in execution.stages
            if each.status in {Status.FAILED, Status.STOPPED} and (each.is_latest or is_parallel)
        )
        return [act for stage in retryable for act in retry_act(self._console, name, execution_id, stage)]

    def _failures(self, execution: PipelineExecution) -> list[dict[str, Any]]:
        actions = {
            (stage.name, action.name): action for stage in execution.stages for action in stage.actions
        }
        return [
            _failure(self._console.target, failed, actions[failed.stage, failed.action])
            for failed in list_failed_actions(execution, local_endpoint=None)
        ]

    def _waiting(self, execution: PipelineExecution) -> list[dict[str, Any]]:
        name, execution_id = execution.pipeline, execution.summary.id
        waiting = [
            {
                "title": f"{stage.name} / {action.name}",
                "address": manual_approval_address(name, stage.name, action.name, execution_id),
            }
            for stage in execution.stages
            for action in stage.actions
            if action.provider == APPROVAL_PROVIDER and action.status is Status.IN_PROGRESS
        ]
        asking = _asking(execution)
        if asking:
            found = self._requests.read(asking)
            waiting += [request_members(each) for each in found if each.execution_id == execution_id]
        return waiting


def _asking(execution: PipelineExecution) -> tuple[tuple[str, int], ...]:
    """Return the visits that may ask for an approval, by action."""
    return tuple(
        (action.name, visit.id)
        for action in execution.actions
        for visit in action.visits
        if visit.status is VisitStatus.RUNNING and visit.name in ASKING_STATES
    )


def _author(execution: PipelineExecution, revision: Revision) -> str | None:
    action = next((each for each in execution.actions if each.name == revision.action), None)
    return action.output_variables.get(_AUTHOR_VARIABLE) if action else None


def _failure(target: Target, failed: FailedAction, action: ActionExecution) -> dict[str, Any]:
    return {
        "stage": failed.stage,
        "action": failed.action,
        "state": failed.state,
        "error": failed.error or None,
        "cause": redact_text(error_line(failed.cause)),
        **target_members(target, action.external_execution_id, action.external_execution_url),
    }


def _stage(target: Target, stage: StageExecution) -> dict[str, Any]:
    started = [action.started for action in stage.actions if action.started]
    ended = [action.ended for action in stage.actions if action.ended]
    is_over = stage.status.has_ended and bool(ended)
    return {
        "name": stage.name,
        "status": stage.status.value,
        "blocked": redact_optional(stage.blocked),
        **Period(min(started, default=None), max(ended) if is_over else None).members(),
        "actions": [_action(target, action) for action in stage.actions],
    }


def _action(target: Target, action: ActionExecution) -> dict[str, Any]:
    rows = list_state_rows(action.visits, action.visits[-1].entered) if action.visits else []
    shown = rows[-_MAX_STATES:]
    is_approval = action.provider == APPROVAL_PROVIDER  # its external id is its token
    return {
        "name": action.name,
        "provider": action.provider,
        "status": action.status.value,
        "summary": redact_optional(summary_line(action.summary)) or None,
        "percent": action.percent_complete if action.status.is_running else None,
        "error": error_members(action.error),
        **Period(action.started, action.ended).members(),
        **target_members(
            target, None if is_approval else action.external_execution_id, action.external_execution_url
        ),
        "outputVariables": redact_json(dict(action.output_variables)),
        "states": [_state(row) for row in shown],
        "omittedStates": len(rows) - len(shown),
    }


def _state(row: StateRow) -> dict[str, Any]:
    last = row.last
    is_over = last.exited is not None
    return {
        "name": row.name,
        "depth": row.depth,
        "status": last.status.value,
        "visits": row.visits,
        "visit": last.id,
        "seconds": round(row.duration.total_seconds(), 3) if is_over else None,
        "since": None if is_over else iso_time(last.entered),
        "error": redact_optional(last.error),
    }


PAGES = (Page("/pipelines/{name}/executions/{id}", "pipeline_execution.html", _open),)

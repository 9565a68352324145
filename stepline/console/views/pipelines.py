"""The page of a pipeline: its stages, what waits in it, and its executions, twenty a page.

While it is open it costs one GetPipelineState at each reading. The executions, their commits and the attempts
of the actions are read again only if a stage or action has changed, and once a minute.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Any, Final

from stepline.aws.approvals import APPROVAL_PROVIDER, Approval, approvals_of_states
from stepline.aws.console_links import pipeline_link
from stepline.aws.execution_history import parse_standard_execution
from stepline.aws.pipeline_pages import ActionPage, ActionRecord, ExecutionPage, list_actions, list_executions
from stepline.aws.pipelines import (
    PARALLEL,
    ActionDefinition,
    ActionState,
    PipelineDefinition,
    PipelineState,
    StageState,
    find_pipeline,
    read_definition,
    read_pipeline_state,
)
from stepline.aws.redaction import redact_optional
from stepline.aws.revisions import RevisionReader
from stepline.aws.statuses import Status
from stepline.aws.summaries import summary_line
from stepline.console.act_links import release_act, retry_act
from stepline.console.addresses import approval_address, pipeline_execution_address
from stepline.console.pages import Console, Document, Page, PageNotFoundError, Query, Read
from stepline.console.pipeline_documents import (
    Period,
    RequestReader,
    error_members,
    execution_members,
    request_members,
    target_members,
)
from stepline.core.errors import UsageError

_PAGE_SIZE: Final = 20
_MAX_AGE: Final = timedelta(minutes=1)


def find(console: Console, name: str) -> PipelineDefinition:
    """Raises PageNotFoundError, which names similar pipelines."""
    try:
        return find_pipeline(console.target, name)
    except UsageError as error:
        raise PageNotFoundError(error.message) from error


def _open(console: Console, query: Query) -> Read:
    return _PipelineReader(console, find(console, query.path["name"]), query.arguments.get("token", ""))


class _PipelineReader:
    """Reads the document, and keeps the lists until something has changed."""

    def __init__(self, console: Console, definition: PipelineDefinition, token: str) -> None:
        self._console = console
        self._codepipeline = console.target.client("codepipeline")
        self._definition = definition
        self._version: int | None = None
        self._token = token
        self._requests = RequestReader(console)
        self._executions = ExecutionPage((), "")
        self._actions = ActionPage((), "")
        self._listed: tuple[Hashable, datetime] | None = None

    def __call__(self) -> Document:
        state = read_pipeline_state(self._codepipeline, self._definition.name)
        if self._version not in {None, state.version}:
            self._definition = read_definition(self._codepipeline, self._definition.name)
        self._version = state.version
        if self._is_outdated(state):
            self._list(state)
        return self._document(state)

    def _is_outdated(self, state: PipelineState) -> bool:
        """Whether the lists must be read again.

        While no stage runs an execution that is in progress it is about to end, or waits: it may change
        without any change of the stages. In mode PARALLEL the state does not have all executions.
        """
        if self._listed is None:
            return True
        progress, time = self._listed
        has_running = any(each.status.is_running for each in self._executions.executions)
        is_idle = not any(stage.status.is_running or stage.inbound for stage in state.stages)
        return (
            _progress(state) != progress
            or self._console.now() - time >= _MAX_AGE
            or (has_running and (is_idle or self._definition.execution_mode == PARALLEL))
        )

    def _list(self, state: PipelineState) -> None:
        name = self._definition.name
        self._executions = list_executions(self._codepipeline, name, size=_PAGE_SIZE, token=self._token)
        self._actions = list_actions(self._codepipeline, name)
        self._listed = (_progress(state), self._console.now())

    def _document(self, state: PipelineState) -> Document:
        definition, executions = self._definition, self._executions.executions
        revisions = self._console.keep(RevisionReader).read(definition, executions)
        name = definition.name
        return {
            "title": name,
            "isLive": not self._token,  # older pages hardly change
            "name": name,
            "executionMode": definition.execution_mode,
            "consoleLink": None if self._console.target.is_local else pipeline_link(definition.arn),
            "acts": release_act(self._console, name),
            "waiting": self._waiting(state),
            "stages": [self._stage(definition, stage) for stage in state.stages],
            "executions": [
                {
                    **execution_members(execution, found),
                    "address": pipeline_execution_address(name, execution.id),
                }
                for execution, found in zip(executions, revisions, strict=True)
            ],
            "token": self._token or None,
            "nextToken": self._executions.next_token or None,
        }

    def _waiting(self, state: PipelineState) -> list[dict[str, Any]]:
        name = self._definition.name
        if self._definition.execution_mode == PARALLEL:
            manual = [
                Approval(name, each.stage, each.action, each.execution_id, "")
                for each in self._actions.actions
                if each.provider == APPROVAL_PROVIDER and each.status is Status.IN_PROGRESS
            ]
        else:
            manual = approvals_of_states(name, state.stages)
        waiting = [{"title": each.title, "address": approval_address(each)} for each in manual]
        if any(_runs_workflow(action) for stage in state.stages for action in stage.actions):
            requests = self._requests.read(state)
            waiting += [request_members(each) for each in requests if each.pipeline == name]
        return waiting

    def _stage(self, definition: PipelineDefinition, state: StageState) -> dict[str, Any]:
        stage = next((each for each in definition.stages if each.name == state.name), None)
        actions = {each.name: each for each in state.actions}
        execution_id = state.execution_id
        can_retry = state.status in {Status.FAILED, Status.STOPPED} and execution_id
        return {
            "name": state.name,
            "status": state.status.value,
            "executionId": execution_id,
            "address": pipeline_execution_address(definition.name, execution_id) if execution_id else None,
            "transitionEnabled": state.transition_enabled,
            "disabledReason": redact_optional(state.transition_disabled_reason),
            "inbound": [
                {"id": each, "address": pipeline_execution_address(definition.name, each)}
                for each in state.inbound
            ],
            "acts": retry_act(self._console, definition.name, execution_id or "", state.name)
            if can_retry
            else [],
            "actions": [
                self._action(
                    state.name, each, actions.get(each.name, ActionState(each.name, Status.NOT_STARTED))
                )
                for each in (stage.actions if stage else ())
            ],
        }

    def _action(self, stage: str, action: ActionDefinition, state: ActionState) -> dict[str, Any]:
        record = next(
            (each for each in self._actions.actions if _is_record_of(each, stage, state)),
            None,
        )
        is_running = state.status.is_running
        started = record.started if record else None
        return {
            "name": action.name,
            "provider": action.provider,
            "status": state.status.value,
            "summary": redact_optional(summary_line(state.summary)) or None,
            "percent": state.percent_complete if is_running else None,
            "error": error_members(state.error),
            **Period(started, None if is_running else record.ended if record else None).members(),
            **target_members(self._console.target, state.external_execution_id, state.external_execution_url),
        }


def _is_record_of(record: ActionRecord, stage: str, state: ActionState) -> bool:
    """Whether this is the latest attempt of the action; the newest record comes first."""
    if (record.stage, record.action) != (stage, state.name):
        return False
    return state.action_execution_id in {None, record.id}


def _runs_workflow(action: ActionState) -> bool:
    return action.status.is_running and parse_standard_execution(action.external_execution_id) is not None


def _progress(state: PipelineState) -> Hashable:
    return tuple(
        (
            stage.name,
            stage.status,
            stage.execution_id,
            stage.inbound,
            tuple((each.name, each.status, each.action_execution_id) for each in stage.actions),
        )
        for stage in state.stages
    )


PAGES = (Page("/pipelines/{name}", "pipeline.html", _open),)

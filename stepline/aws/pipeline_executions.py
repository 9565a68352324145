"""Reads one execution of a pipeline with its stages, actions and the states of their state machines.

GetPipeline lists the stages and actions that have not started yet, GetPipelineState has the progress of
current actions, ListActionExecutions has the actions of an execution that is no longer the latest, and
GetExecutionHistory the states of a state machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from stepline.aws.execution_history import ExecutionHistory, parse_standard_execution
from stepline.aws.pipelines import (
    PARALLEL,
    ActionDefinition,
    ActionError,
    ActionState,
    Document,
    ExecutionSummary,
    PipelineDefinition,
    StageDefinition,
    StageState,
    parse_action_error,
    read_execution,
    read_stage_states,
)
from stepline.aws.state_visits import StateVisit
from stepline.aws.statuses import Status
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.failure import Failure

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_stepfunctions import SFNClient

_MAX_REUSES = 20
"""Readings of a running execution after which everything is read again [ours], whatever its stages say."""


@dataclass(frozen=True)
class ActionExecution:
    """An action within one execution; `visits` are the states of the state machine that it runs.

    `log_stream_arn`: of the commands that CodePipeline itself runs.
    """

    name: str
    provider: str
    status: Status = Status.NOT_STARTED
    started: datetime | None = None
    ended: datetime | None = None
    summary: str | None = None
    percent_complete: int | None = None
    external_execution_id: str | None = None
    external_execution_url: str | None = None
    log_stream_arn: str | None = None
    error: ActionError | None = None
    output_variables: Mapping[str, str] = field(default_factory=dict)
    visits: tuple[StateVisit, ...] = ()
    failure: Failure | None = None

    def duration(self, now: datetime) -> timedelta | None:
        return (self.ended or now) - self.started if self.started else None

    @property
    def state_machine_execution(self) -> ExecutionArn | None:
        """The Standard execution that the action runs; None if it runs none."""
        return parse_standard_execution(self.external_execution_id)

    @property
    def log_group(self) -> str | None:
        """The log group of the action's commands or build; None if it runs none.

        The group of a build is the one that CodeBuild uses unless the project names another
        [doc: CodeBuild, "AWS CodeBuild logs"].
        """
        if self.log_stream_arn:
            return self.log_stream_arn.split(":log-group:", 1)[-1].split(":", 1)[0]
        if self.provider == "CodeBuild" and self.external_execution_id:
            return f"/aws/codebuild/{self.external_execution_id.split(':', 1)[0]}"
        return None


@dataclass(frozen=True)
class StageExecution:
    """`blocked` is the reason why the transition into the stage is disabled, if it is.

    `is_latest`: no other execution has entered the stage since; it is unknown in mode PARALLEL.
    """

    name: str
    status: Status
    actions: tuple[ActionExecution, ...]
    blocked: str | None = None
    is_latest: bool = False

    def duration(self, now: datetime) -> timedelta | None:
        started = [action.started for action in self.actions if action.started]
        if not started:
            return None
        ended = [action.ended for action in self.actions if action.ended]
        return (max(ended) if self.status.has_ended and ended else now) - min(started)


@dataclass(frozen=True)
class PipelineExecution:
    """An execution of a pipeline at one moment."""

    pipeline: str
    summary: ExecutionSummary
    stages: tuple[StageExecution, ...]

    @property
    def status(self) -> Status:
        return self.summary.status

    @property
    def actions(self) -> tuple[ActionExecution, ...]:
        return tuple(action for stage in self.stages for action in stage.actions)

    @property
    def started(self) -> datetime | None:
        times = [action.started for action in self.actions if action.started]
        return self.summary.start_time or min(times, default=None)

    @property
    def ended(self) -> datetime | None:
        times = [action.ended for action in self.actions if action.ended]
        return max(times, default=self.summary.last_update_time) if self.status.has_ended else None

    def duration(self, now: datetime) -> timedelta | None:
        return (self.ended or now) - self.started if self.started else None


@dataclass(frozen=True)
class _StageProgress:
    """What must change before anything else of an execution does, apart from the progress of its actions."""

    name: str
    waits: bool
    status: Status | None
    actions: tuple[tuple[object, ...], ...]
    transition: tuple[bool, str | None]

    @property
    def is_running(self) -> bool:
        return self.status is not None and self.status.is_running


def _progress(states: Sequence[StageState], execution_id: str) -> tuple[_StageProgress, ...]:
    return tuple(
        _StageProgress(
            state.name,
            execution_id in state.inbound,
            state.status if state.execution_id == execution_id else None,
            tuple(_action_progress(action) for action in state.actions)
            if state.execution_id == execution_id
            else (),
            (state.transition_enabled, state.transition_disabled_reason),
        )
        for state in states
    )


def _action_progress(action: ActionState) -> tuple[object, ...]:
    attempt = action.action_execution_id or action.last_status_change
    return action.name, action.status, attempt, action.external_execution_id


class ExecutionReader:
    """Reads one execution repeatedly, without reading again what cannot change any more."""

    def __init__(
        self,
        codepipeline: CodePipelineClient,
        stepfunctions: Callable[[str], SFNClient],  # by region
        definition: PipelineDefinition,
        summary: ExecutionSummary,
    ) -> None:
        self._codepipeline = codepipeline
        self._stepfunctions = stepfunctions
        self._definition = definition
        self._summary = summary
        self._histories: dict[str, ExecutionHistory] = {}
        self._finished: dict[str, ActionExecution] = {}
        self._actions: dict[tuple[str, str], ActionExecution] = {}
        self._progress: tuple[_StageProgress, ...] = ()
        self._reuses_left = 0
        self._ended: PipelineExecution | None = None

    def read(self) -> PipelineExecution:
        """Return the execution as it is now. Raises botocore's errors.

        While it runs this is GetPipelineState, and GetExecutionHistory of each state machine that runs; more
        only if a stage or action of the execution has changed. If it has ended this is one call, which shows
        whether a stage was retried.
        """
        name, execution_id = self._definition.name, self._summary.id
        if self._ended and self._is_still_ended(self._ended):
            return self._ended
        states = read_stage_states(self._codepipeline, name) if self._reuses_left else ()
        if not self._is_known(states):
            self._read_summary()
            if not states or self._summary.status.has_ended:
                # After the status, as the stages of an execution that has ended must not be older than it.
                states = read_stage_states(self._codepipeline, name)
            self._actions = _latest_action_executions(self._codepipeline, name, execution_id)
            self._progress = _progress(states, execution_id)
            self._reuses_left = _MAX_REUSES
        else:
            self._reuses_left -= 1
        stages = [
            _stage_execution(stage, execution_id, states, self._actions) for stage in self._definition.stages
        ]
        execution = PipelineExecution(
            name, self._summary, tuple(self._with_visits(stage) for stage in stages)
        )
        self._ended = execution if execution.status.has_ended else None
        return execution

    def _is_still_ended(self, ended: PipelineExecution) -> bool:
        if self._definition.execution_mode == PARALLEL:  # the state does not have all executions
            return read_execution(self._codepipeline, ended.pipeline, ended.summary.id).status is ended.status
        states = read_stage_states(self._codepipeline, ended.pipeline)
        return _progress(states, ended.summary.id) == self._progress

    def _read_summary(self) -> None:
        known = self._summary
        summary = read_execution(self._codepipeline, self._definition.name, known.id)
        self._summary = replace(
            summary,
            start_time=known.start_time,
            trigger=summary.trigger or known.trigger,
            source_revisions=summary.source_revisions or known.source_revisions,
        )

    def _is_known(self, states: Sequence[StageState]) -> bool:
        """Whether the stages and actions are as they were read last, and the execution is in one of them.

        If it is in none, it waits unseen, or is about to end.
        """
        progress = _progress(states, self._summary.id)
        return progress == self._progress and any(stage.is_running or stage.waits for stage in progress)

    def _with_visits(self, stage: StageExecution) -> StageExecution:
        return replace(stage, actions=tuple(self._with_visits_of_action(action) for action in stage.actions))

    def _with_visits_of_action(self, action: ActionExecution) -> ActionExecution:
        execution = action.state_machine_execution
        if execution is None:
            return action
        arn = str(execution)
        if arn in self._finished:
            finished = self._finished[arn]
            return replace(action, visits=finished.visits, failure=finished.failure)
        if arn not in self._histories:
            self._histories[arn] = ExecutionHistory(self._stepfunctions(execution.region), execution)
        history = self._histories[arn]
        action = replace(action, visits=history.update(), failure=history.failure)
        if action.status.has_ended:
            self._finished[arn] = action
        return action


def _latest_action_executions(
    codepipeline: CodePipelineClient, pipeline: str, execution_id: str
) -> dict[tuple[str, str], ActionExecution]:
    """Return the last execution of each action, by stage and action: a stage that is retried has several."""
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution_id}
    )
    details: list[Document] = [detail for page in pages for detail in page["actionExecutionDetails"]]
    details.sort(key=lambda detail: detail.get("startTime") or datetime.min.replace(tzinfo=UTC))
    return {(detail["stageName"], detail["actionName"]): _action_execution(detail) for detail in details}


def _action_execution(detail: Document) -> ActionExecution:
    status, output = Status.parse(detail.get("status")), detail.get("output", {})
    result = output.get("executionResult", {})
    return ActionExecution(
        name=detail["actionName"],
        provider="",
        status=status,
        started=detail.get("startTime"),
        ended=detail.get("lastUpdateTime") if status.has_ended else None,
        summary=result.get("externalExecutionSummary"),
        external_execution_id=result.get("externalExecutionId"),
        external_execution_url=result.get("externalExecutionUrl"),
        log_stream_arn=result.get("logStreamARN"),
        error=parse_action_error(result.get("errorDetails")),
        output_variables=output.get("outputVariables", {}),
    )


def _stage_execution(
    stage: StageDefinition,
    execution_id: str,
    states: Sequence[StageState],
    executions: Mapping[tuple[str, str], ActionExecution],
) -> StageExecution:
    state = next((state for state in states if state.name == stage.name), None)
    is_in_stage = state is not None and state.execution_id == execution_id
    current = {action.name: action for action in state.actions} if state and is_in_stage else {}
    actions = tuple(
        _with_current_state(action, executions.get((stage.name, action.name)), current.get(action.name))
        for action in stage.actions
    )
    status = state.status if state and is_in_stage else _status_of_actions(actions)
    blocked = None
    if state and not state.transition_enabled and status is Status.NOT_STARTED:
        blocked = state.transition_disabled_reason or "its transition is disabled"
    return StageExecution(stage.name, status, actions, blocked, is_in_stage)


def _with_current_state(
    action: ActionDefinition, execution: ActionExecution | None, current: ActionState | None
) -> ActionExecution:
    if execution is None:
        return ActionExecution(action.name, action.provider)
    execution = replace(execution, provider=action.provider)
    if current is None:
        return execution
    return replace(
        execution,
        summary=current.summary or execution.summary,
        percent_complete=current.percent_complete,
        external_execution_id=current.external_execution_id or execution.external_execution_id,
        external_execution_url=current.external_execution_url or execution.external_execution_url,
        error=execution.error or (current.error if execution.status is Status.FAILED else None),
    )


def _status_of_actions(actions: Sequence[ActionExecution]) -> Status:
    """Return the status of a stage that another execution has entered since."""
    statuses = {action.status for action in actions}
    for status in (Status.FAILED, Status.IN_PROGRESS, Status.ABANDONED):
        if status in statuses:
            return status
    return Status.SUCCEEDED if statuses == {Status.SUCCEEDED} else Status.NOT_STARTED

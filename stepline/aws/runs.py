"""One execution of a pipeline, put together from what four operations tell of it.

GetPipeline knows the stages and actions that are still to come, GetPipelineState the
progress of what is under way, ListActionExecutions the actions of an execution that is
no longer the latest, and GetExecutionHistory the states inside of an action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from stepline.aws.executions import ExecutionHistory, StateVisit, execution_with_history
from stepline.aws.pipelines import (
    ActionDefinition,
    ActionError,
    ActionState,
    Document,
    ExecutionSummary,
    PipelineDefinition,
    StageDefinition,
    StageState,
    action_error,
    pipeline_execution,
    stage_states,
)
from stepline.aws.statuses import Status
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.failure import Failure

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class ActionExecution:
    """An action as ListActionExecutions tells it."""

    action: str
    stage: str
    status: Status
    started: datetime | None
    updated: datetime | None
    summary: str | None
    external_execution_id: str | None
    external_execution_url: str | None
    error: ActionError | None
    output_variables: Mapping[str, str]


@dataclass(frozen=True)
class ActionRun:
    """An action within one execution; `visits` are the states of the state machine that it runs."""

    name: str
    provider: str
    status: Status = Status.NOT_STARTED
    started: datetime | None = None
    ended: datetime | None = None
    summary: str | None = None
    percent_complete: int | None = None
    external_execution_id: str | None = None
    external_execution_url: str | None = None
    error: ActionError | None = None
    output_variables: Mapping[str, str] = field(default_factory=dict)
    visits: tuple[StateVisit, ...] = ()
    failure: Failure | None = None

    def duration(self, now: datetime) -> timedelta | None:
        return (self.ended or now) - self.started if self.started else None

    @property
    def runs_state_machine(self) -> bool:
        return self.execution is not None

    @property
    def execution(self) -> ExecutionArn | None:
        """The execution of the state machine that the action runs, if it is one that has a history."""
        return execution_with_history(self.external_execution_id)


@dataclass(frozen=True)
class StageRun:
    name: str
    status: Status
    actions: tuple[ActionRun, ...]
    blocked: str | None = None  # why nothing may enter it, if its transition is disabled

    def duration(self, now: datetime) -> timedelta | None:
        started = [action.started for action in self.actions if action.started]
        if not started:
            return None
        ended = [action.ended for action in self.actions if action.ended]
        return (max(ended) if self.status.is_over and ended else now) - min(started)


@dataclass(frozen=True)
class PipelineRun:
    """Everything about one execution at one moment."""

    pipeline: str
    execution: ExecutionSummary
    stages: tuple[StageRun, ...]

    @property
    def actions(self) -> tuple[ActionRun, ...]:
        return tuple(action for stage in self.stages for action in stage.actions)

    @property
    def started(self) -> datetime | None:
        times = [action.started for action in self.actions if action.started]
        return self.execution.start_time or min(times, default=None)

    @property
    def ended(self) -> datetime | None:
        times = [action.ended for action in self.actions if action.ended]
        return max(times, default=self.execution.last_update_time) if self.execution.status.is_over else None

    def duration(self, now: datetime) -> timedelta | None:
        return (self.ended or now) - self.started if self.started else None


class RunReader:
    """Reads one execution again and again, remembering what cannot change any more."""

    def __init__(
        self,
        codepipeline: CodePipelineClient,
        stepfunctions: Callable[[str], SFNClient],  # by region
        definition: PipelineDefinition,
        execution: ExecutionSummary,
    ) -> None:
        self._codepipeline = codepipeline
        self._stepfunctions = stepfunctions
        self._definition = definition
        self._found = execution
        self._histories: dict[str, ExecutionHistory] = {}
        self._finished: dict[str, ActionRun] = {}

    def read(self) -> PipelineRun:
        """The execution as it is now. Raises botocore's errors."""
        name, execution_id = self._definition.name, self._found.id
        # the status first: what is read after it can only be newer
        execution = pipeline_execution(self._codepipeline, name, execution_id)
        states = stage_states(self._codepipeline, name)
        actions = action_executions(self._codepipeline, name, execution_id)
        execution = replace(
            execution,
            start_time=self._found.start_time,
            trigger=execution.trigger or self._found.trigger,
            source_revisions=execution.source_revisions or self._found.source_revisions,
        )
        run = combine(self._definition, execution, states, actions)
        stages = [
            replace(stage, actions=tuple(self._with_visits(action) for action in stage.actions))
            for stage in run.stages
        ]
        return replace(run, stages=tuple(stages))

    def _with_visits(self, action: ActionRun) -> ActionRun:
        execution = action.execution
        if execution is None:
            return action
        arn = str(execution)
        if arn in self._finished:
            done = self._finished[arn]
            return replace(action, visits=done.visits, failure=done.failure)
        if arn not in self._histories:
            self._histories[arn] = ExecutionHistory(self._stepfunctions(execution.region), execution)
        history = self._histories[arn]
        action = replace(action, visits=history.update(), failure=history.failure)
        if action.status.is_over:
            self._finished[arn] = action
        return action


def action_executions(
    codepipeline: CodePipelineClient, pipeline: str, execution_id: str
) -> tuple[ActionExecution, ...]:
    """All executions of actions, retries included, within one execution of the pipeline."""
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution_id}
    )
    return tuple(_action_execution(each) for page in pages for each in page["actionExecutionDetails"])


def combine(
    definition: PipelineDefinition,
    execution: ExecutionSummary,
    states: Sequence[StageState],
    actions: Sequence[ActionExecution],
) -> PipelineRun:
    """One execution, without the states inside of its actions."""
    current = {state.name: state for state in states}
    stages = [_stage_run(stage, execution, current.get(stage.name), actions) for stage in definition.stages]
    return PipelineRun(definition.name, execution, tuple(stages))


def _stage_run(
    stage: StageDefinition,
    execution: ExecutionSummary,
    state: StageState | None,
    executions: Sequence[ActionExecution],
) -> StageRun:
    is_in_stage = state is not None and state.execution_id == execution.id
    live = {action.name: action for action in state.actions} if state and is_in_stage else {}
    actions = tuple(
        _action_run(action, _latest(stage.name, action.name, executions), live.get(action.name))
        for action in stage.actions
    )
    status = state.status if state and is_in_stage else _status_of_actions(actions)
    blocked = None
    if state and not state.transition_enabled and status is Status.NOT_STARTED:
        blocked = state.transition_disabled_reason or "its transition is disabled"
    return StageRun(stage.name, status, actions, blocked)


def _action_run(
    action: ActionDefinition, execution: ActionExecution | None, live: ActionState | None
) -> ActionRun:
    run = ActionRun(action.name, action.provider)
    if execution is None:
        return run
    run = replace(
        run,
        status=execution.status,
        started=execution.started,
        ended=execution.updated if execution.status.is_over else None,
        summary=execution.summary,
        external_execution_id=execution.external_execution_id,
        external_execution_url=execution.external_execution_url,
        error=execution.error,
        output_variables=execution.output_variables,
    )
    if live is None:
        return run
    return replace(
        run,
        summary=live.summary or run.summary,
        percent_complete=live.percent_complete,
        external_execution_id=live.external_execution_id or run.external_execution_id,
        external_execution_url=live.external_execution_url or run.external_execution_url,
        error=run.error or (live.error if run.status is Status.FAILED else None),
    )


def _latest(stage: str, action: str, executions: Sequence[ActionExecution]) -> ActionExecution | None:
    """A stage that is retried runs an action several times; the last one counts."""
    ours = [each for each in executions if each.stage == stage and each.action == action]
    return max(ours, key=lambda each: each.started or datetime.min.replace(tzinfo=UTC), default=None)


def _status_of_actions(actions: Sequence[ActionRun]) -> Status:
    """The status of a stage that another execution has entered since."""
    statuses = {action.status for action in actions}
    for status in (Status.FAILED, Status.IN_PROGRESS, Status.ABANDONED):
        if status in statuses:
            return status
    return Status.SUCCEEDED if statuses == {Status.SUCCEEDED} else Status.NOT_STARTED


def _action_execution(document: Document) -> ActionExecution:
    output = document.get("output", {})
    result = output.get("executionResult", {})
    return ActionExecution(
        action=document["actionName"],
        stage=document["stageName"],
        status=Status.of(document.get("status")),
        started=document.get("startTime"),
        updated=document.get("lastUpdateTime"),
        summary=result.get("externalExecutionSummary"),
        external_execution_id=result.get("externalExecutionId"),
        external_execution_url=result.get("externalExecutionUrl"),
        error=action_error(result.get("errorDetails")),
        output_variables=output.get("outputVariables", {}),
    )

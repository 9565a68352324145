"""Releases a change, stops an execution of a pipeline, and retries a stage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from stepline.aws.pipelines import (
    PARALLEL,
    ActionDefinition,
    ActionState,
    ExecutionSummary,
    PipelineDefinition,
    StageState,
    find_pipeline,
    read_execution,
    read_stage_states,
)
from stepline.aws.statuses import Status
from stepline.console.acts.act import Choice, Question, argument, new_act, reason_of
from stepline.console.addresses import pipeline_address, pipeline_execution_address
from stepline.console.pages import Console, PageNotFoundError, Query
from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError
from stepline.core.executions.arns import ExecutionArn

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

_MAX_STOP_REASON: Final = 200
"""`reason` of StopPipelineExecution [model]."""

_STOP: Final = Choice(
    "mode",
    "How to stop",
    (
        ("wait", "Stop and wait", "Actions that run now go on to their end. No other action starts."),
        (
            "abandon",
            "Stop and abandon",
            "Actions that run now are abandoned at once; what they have started is not undone.",
        ),
    ),
)
_FAILED_ACTIONS, _ALL_ACTIONS = "FAILED_ACTIONS", "ALL_ACTIONS"
_RETRY_OF_ACTION: Final = "Retry"
_MODES: Final[Mapping[str, str]] = {
    "SUPERSEDED": "An older execution that waits between two stages is superseded if the new one reaches it.",
    "QUEUED": "It waits until the executions before it have left each stage.",
    PARALLEL: "It runs at the same time as other executions.",
}


# --- release a change ---------------------------------------------------------------------------------


def _ask_release(console: Console, query: Query) -> Question:
    definition = _find(console, argument(query, "pipeline"))
    sources = [action for action in definition.actions if action.category == "Source"]
    names = ", ".join(f"{each.name} ({each.provider})" for each in sources)
    return Question(
        title=f"Release a change of {definition.name}",
        consequences=[
            f"CodePipeline starts a new execution of the pipeline {definition.name}, "
            f"with the latest revision of its source: {names}.",
            _MODES.get(definition.execution_mode, f"The pipeline has the mode {definition.execution_mode}."),
        ],
        button="Release the change",
        back=pipeline_address(definition.name),
        fields={"pipeline": definition.name},
    )


def _release(console: Console, query: Query) -> str:
    name = argument(query, "pipeline")
    response = _codepipeline(console).start_pipeline_execution(name=name)
    return pipeline_execution_address(name, response["pipelineExecutionId"])


# --- stop an execution --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Execution:
    """An execution of a pipeline, and what is known of its stages."""

    definition: PipelineDefinition
    summary: ExecutionSummary
    stages: tuple[StageState, ...]

    @property
    def running(self) -> list[tuple[StageState, ActionState]]:
        return [
            (stage, action)
            for stage in self.stages
            if stage.execution_id == self.summary.id
            for action in stage.actions
            if action.status.is_running
        ]

    def action(self, stage: str, name: str) -> ActionDefinition | None:
        found = (each for each in self.definition.stages if each.name == stage)
        return next((action for each in found for action in each.actions if action.name == name), None)


def _read(console: Console, query: Query) -> _Execution:
    definition = _find(console, argument(query, "pipeline"))
    codepipeline, execution_id = _codepipeline(console), argument(query, "execution")
    try:
        summary = read_execution(codepipeline, definition.name, execution_id)
    except ClientError as error:
        if error_code(error) not in {"PipelineExecutionNotFoundException", "ValidationException"}:
            raise
        raise PageNotFoundError(f"pipeline {definition.name} has no execution {execution_id}") from error
    return _Execution(definition, summary, read_stage_states(codepipeline, definition.name))


def _ask_stop(console: Console, query: Query) -> Question:
    execution = _read(console, query)
    name, summary = execution.definition.name, execution.summary
    return Question(
        title=f"Stop an execution of {name}",
        consequences=[
            f"CodePipeline stops the execution {summary.id} of the pipeline {name}.",
            *(_running_sentence(execution, stage, action) for stage, action in execution.running),
        ],
        obstacle=None if summary.status.is_running else _has_ended(summary),
        choice=_STOP,
        max_reason_characters=_MAX_STOP_REASON,
        button="Stop the execution",
        is_dangerous=True,
        back=pipeline_execution_address(name, summary.id),
        fields={"pipeline": name, "execution": summary.id},
    )


def _has_ended(summary: ExecutionSummary) -> str:
    return f"This execution has ended: {summary.status.label}."


def _running_sentence(execution: _Execution, stage: StageState, action: ActionState) -> str:
    """Say what becomes of an action that runs now."""
    where = f"{stage.name} / {action.name} runs now."
    workflow = ExecutionArn.parse(action.external_execution_id or "")
    if workflow is None:
        return where
    definition = execution.action(stage.name, action.name)
    abandoned = f"If it is abandoned, the execution {workflow.name} of the state machine {workflow.machine}"
    match _stops_workflow(definition):
        case True:
            return (
                f"{where} {abandoned} is stopped, too, as OnStop is not LeaveRunning; a deployment's change "
                "set is deleted, and an operation of CloudFormation that has begun goes on."
            )
        case False:
            return f"{where} {abandoned} goes on, as OnStop is LeaveRunning."
        case None:
            return f"{where} {abandoned} goes on."


def _stops_workflow(action: ActionDefinition | None) -> bool | None:
    """Return what the action's OnStop says; None for CodePipeline's own action, which stops nothing."""
    if action is None or action.provider == "StepFunctions":
        return None
    on_stop: Any = action.configuration.get("OnStop", "")
    if action.provider == "Lambda":
        try:
            parameters = json.loads(action.configuration.get("UserParameters", ""))
        except ValueError:
            parameters = None
        on_stop = parameters.get("onStop", "") if isinstance(parameters, dict) else ""
    return str(on_stop).lower() != "leaverunning"


def _stop(console: Console, query: Query) -> str:
    name, execution_id = argument(query, "pipeline"), argument(query, "execution")
    reason = reason_of(query, _MAX_STOP_REASON)
    _codepipeline(console).stop_pipeline_execution(
        pipelineName=name,
        pipelineExecutionId=execution_id,
        abandon=_STOP.chosen(query) == "abandon",
        **({"reason": reason} if reason else {}),
    )
    return pipeline_execution_address(name, execution_id)


# --- retry a stage ------------------------------------------------------------------------------------


def _ask_retry(console: Console, query: Query) -> Question:
    execution, stage_name = _read(console, query), argument(query, "stage")
    name, execution_id = execution.definition.name, execution.summary.id
    state = next((each for each in execution.stages if each.name == stage_name), None)
    if state is None:
        raise PageNotFoundError(f"pipeline {name} has no stage {stage_name}")
    redrives = [
        action.name
        for stage in execution.definition.stages
        if stage.name == stage_name
        for action in stage.actions
        if action.configuration.get(_RETRY_OF_ACTION, "").lower() == "redrive"
    ]
    consequences = [
        f"CodePipeline runs actions of the stage {stage_name} again, in the execution {execution_id} of the "
        f"pipeline {name}, with the same revisions; then the execution goes on.",
        "An action that runs a state machine starts a new execution of it.",
    ]
    if redrives:
        consequences[-1] += f" But {', '.join(redrives)} redrives the execution that failed."
    return Question(
        title=f"Retry the stage {stage_name} of {name}",
        consequences=consequences,
        obstacle=_retry_obstacle(execution, state),
        choice=_retry_choice(state),
        button="Retry the stage",
        back=pipeline_execution_address(name, execution_id),
        fields={"pipeline": name, "execution": execution_id, "stage": stage_name},
    )


def _retry_obstacle(execution: _Execution, state: StageState) -> str | None:
    if execution.definition.execution_mode == PARALLEL:
        return None  # the state does not have all executions: CodePipeline decides
    if state.execution_id != execution.summary.id:
        return f"Another execution has entered the stage {state.name}: only the latest one can be retried."
    if state.status not in {Status.FAILED, Status.STOPPED}:
        return f"The stage {state.name} has not failed: {state.status.label}."
    return None


def _retry_choice(state: StageState) -> Choice:
    failed = [action.name for action in state.actions if action.status is not Status.SUCCEEDED]
    names = [action.name for action in state.actions]
    return Choice(
        "mode",
        "What to run again",
        (
            (_FAILED_ACTIONS, "Failed actions", f"{', '.join(failed) or 'none'}"),
            (_ALL_ACTIONS, "All actions of the stage", ", ".join(names)),
        ),
    )


def _retry(console: Console, query: Query) -> str:
    name, execution_id = argument(query, "pipeline"), argument(query, "execution")
    mode: Any = query.arguments.get("mode")
    if mode not in {_FAILED_ACTIONS, _ALL_ACTIONS}:
        raise UsageError("choose which actions to run again")
    _codepipeline(console).retry_stage_execution(
        pipelineName=name,
        stageName=argument(query, "stage"),
        pipelineExecutionId=execution_id,
        retryMode=mode,
    )
    return pipeline_execution_address(name, execution_id)


# --- helpers ------------------------------------------------------------------------------------------


def _codepipeline(console: Console) -> CodePipelineClient:
    return console.target.client("codepipeline")  # type: ignore[no-any-return]


def _find(console: Console, name: str) -> PipelineDefinition:
    try:
        return find_pipeline(console.target, name)
    except UsageError as error:
        raise PageNotFoundError(error.message) from error


ACTS = (
    new_act("release", _ask_release, _release),
    new_act("stop-pipeline", _ask_stop, _stop),
    new_act("retry", _ask_retry, _retry),
)

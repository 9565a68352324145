"""Lists the failed actions of a pipeline execution with their errors, causes and links."""

from __future__ import annotations

from dataclasses import dataclass

from stepline.aws.pipeline_executions import ActionExecution, PipelineExecution, StageExecution
from stepline.aws.statuses import Status


@dataclass(frozen=True)
class FailedAction:
    """Why one action failed.

    `state` is the state that failed, if the action runs a state machine. `link` leads to more: an address,
    or a command for the local AWS.
    """

    stage: str
    action: str
    state: str | None
    error: str
    cause: str
    link: str | None


def list_failed_actions(
    execution: PipelineExecution, *, local_endpoint: str | None
) -> tuple[FailedAction, ...]:
    return tuple(
        _failed_action(stage, action, local_endpoint)
        for stage in execution.stages
        for action in stage.actions
        if action.status is Status.FAILED
    )


def _failed_action(
    stage: StageExecution, action: ActionExecution, local_endpoint: str | None
) -> FailedAction:
    link = _link(action, local_endpoint)
    if failure := action.failure:
        return FailedAction(stage.name, action.name, failure.state, failure.error, failure.cause, link)
    error = action.error
    cause = (error.message if error else action.summary) or "CodePipeline gives no reason"
    return FailedAction(stage.name, action.name, None, error.code if error else "", cause, link)


def _link(action: ActionExecution, local_endpoint: str | None) -> str | None:
    execution = action.state_machine_execution
    if local_endpoint is None:
        return execution.link if execution else action.external_execution_url
    options = f"--endpoint-url {local_endpoint} --execution-arn {execution}"
    return f"aws stepfunctions get-execution-history {options}" if execution else None

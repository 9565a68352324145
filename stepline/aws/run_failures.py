"""Why an execution of a pipeline failed."""

from __future__ import annotations

from dataclasses import dataclass

from stepline.aws.runs import ActionRun, PipelineRun, StageRun
from stepline.aws.statuses import Status
from stepline.core.executions.arns import ExecutionArn


@dataclass(frozen=True)
class FailedAction:
    """Why one action failed. `state` is set if it is a state of the action's state machine that failed.

    `details` is where to see more: a link, or for the local AWS a command.
    """

    stage: str
    action: str
    state: str | None
    error: str
    cause: str
    details: str | None


def failed_actions(run: PipelineRun, *, local_endpoint: str | None) -> tuple[FailedAction, ...]:
    return tuple(
        _failed_action(stage, action, local_endpoint)
        for stage in run.stages
        for action in stage.actions
        if action.status is Status.FAILED
    )


def execution_details(execution: ExecutionArn, *, local_endpoint: str | None) -> str:
    """Where to see an execution of a state machine: AWS's console, or a command for the local AWS."""
    if local_endpoint is None:
        return execution.link
    return (
        f"aws stepfunctions get-execution-history --endpoint-url {local_endpoint} --execution-arn {execution}"
    )


def _failed_action(stage: StageRun, action: ActionRun, local_endpoint: str | None) -> FailedAction:
    details = None
    if action.execution is not None:
        details = execution_details(action.execution, local_endpoint=local_endpoint)
    if action.failure:
        failure = action.failure
        return FailedAction(stage.name, action.name, failure.state, failure.error, failure.cause, details)
    error = action.error
    return FailedAction(
        stage.name,
        action.name,
        None,
        error.code if error else "",
        (error.message if error else action.summary) or "CodePipeline gives no reason",
        details or (None if local_endpoint else action.external_execution_url),
    )

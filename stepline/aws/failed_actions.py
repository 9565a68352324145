"""Lists the failed actions of a pipeline execution with their errors, causes and links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepline.aws.local_console import segment
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
    execution: PipelineExecution,
    *,
    local_endpoint: str | None,
    local_console: str | None = None,
    command_options: Sequence[str] = (),
) -> tuple[FailedAction, ...]:
    """`local_console`: the address of the console of the local AWS, if it has one.

    `command_options`: those with which `stepline` uses the same AWS.
    """
    return tuple(
        _failed_action(stage, action, _link(action, local_endpoint, local_console, command_options))
        for stage in execution.stages
        for action in stage.actions
        if action.status is Status.FAILED
    )


def _failed_action(stage: StageExecution, action: ActionExecution, link: str | None) -> FailedAction:
    if failure := action.failure:
        return FailedAction(stage.name, action.name, failure.state, failure.error, failure.cause, link)
    error = action.error
    cause = (error.message if error else action.summary) or "CodePipeline gives no reason"
    return FailedAction(stage.name, action.name, None, error.code if error else "", cause, link)


def _link(
    action: ActionExecution,
    local_endpoint: str | None,
    local_console: str | None,
    command_options: Sequence[str],
) -> str | None:
    execution = action.state_machine_execution
    if execution and local_console:
        return f"{local_console}executions/{segment(str(execution))}"
    if execution and local_endpoint:
        options = f"--endpoint-url {local_endpoint} --execution-arn {execution}"
        return f"aws stepfunctions get-execution-history {options}"
    if execution:
        return execution.link
    if action.external_execution_url and not local_endpoint:
        return action.external_execution_url
    return " ".join(["stepline logs", action.log_group, *command_options]) if action.log_group else None

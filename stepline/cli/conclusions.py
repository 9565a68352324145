"""How an execution of a pipeline ended: the exit code, and why it failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from stepline.aws.executions import execution_region
from stepline.aws.runs import ActionRun, PipelineRun, StageRun
from stepline.aws.statuses import Status


class ExitCode(IntEnum):
    """What `stepline watch` and `stepline run` tell the shell; 2 is click's for a wrong command line."""

    SUCCEEDED = 0
    FAILED = 1
    NOT_FINISHED = 3  # stopped, superseded or cancelled: neither done nor failed
    TIMED_OUT = 124  # as timeout(1) has it


@dataclass(frozen=True)
class FailedAction:
    """Why one action failed. `state` is set if a state of its state machine is to blame.

    `look` is where to see more: a link, or for the local AWS a command.
    """

    stage: str
    action: str
    state: str | None
    error: str
    cause: str
    look: str | None


def exit_code(run: PipelineRun) -> ExitCode:
    """The exit code for an execution that is over."""
    match run.execution.status:
        case Status.SUCCEEDED:
            return ExitCode.SUCCEEDED
        case Status.FAILED:
            return ExitCode.FAILED
    return ExitCode.NOT_FINISHED


def failed_actions(run: PipelineRun, *, local_endpoint: str | None) -> tuple[FailedAction, ...]:
    return tuple(
        _failed_action(stage, action, local_endpoint)
        for stage in run.stages
        for action in stage.actions
        if action.status is Status.FAILED
    )


def execution_link(execution_arn: str, *, local_endpoint: str | None) -> str:
    """Where to see a state machine's execution: AWS's console, or a command for the local AWS."""
    if local_endpoint:
        return (
            f"aws stepfunctions get-execution-history --endpoint-url {local_endpoint} "
            f"--execution-arn {execution_arn}"
        )
    region = execution_region(execution_arn)
    partition = execution_arn.split(":")[1]
    domain = {
        "aws-cn": "console.amazonaws.cn",
        "aws-us-gov": "console.amazonaws-us-gov.com",
    }.get(partition, "console.aws.amazon.com")
    return f"https://{region}.{domain}/states/home?region={region}#/v2/executions/details/{execution_arn}"


def _failed_action(stage: StageRun, action: ActionRun, local_endpoint: str | None) -> FailedAction:
    arn = action.external_execution_id
    look = execution_link(arn, local_endpoint=local_endpoint) if arn and action.runs_state_machine else None
    if action.failure:
        failure = action.failure
        return FailedAction(stage.name, action.name, failure.state, failure.error, failure.cause, look)
    error = action.error
    return FailedAction(
        stage.name,
        action.name,
        None,
        error.code if error else "",
        (error.message if error else action.summary) or "CodePipeline tells no reason",
        look or (None if local_endpoint else action.external_execution_url),
    )

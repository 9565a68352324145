"""Polls the execution of an action, in each job after the one that started it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pipeline.action import Action
from pipeline.errors import ExecutionLostError
from pipeline.job_result import Continue, Failure, JobResult, Success
from pipeline.limits import EXECUTION_VISIBLE_WITHIN_SECONDS, STOP_CONFIRMED_WITHIN_SECONDS
from pipeline.messages import (
    STOP_ERROR,
    failure_message,
    not_stopped_message,
    running_summary,
    started_summary,
    stop_cause,
    stopping_summary,
    succeeded_summary,
)
from stepline.core.aws_errors import AWS_FAILURES, FailureKind, error_code, failed_call, translate
from stepline.core.errors import ConfigurationError, TransientAwsError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Execution, Status, describe_execution
from stepline.core.executions.failure import read_failure
from stepline.core.executions.progress import Progress, read_progress
from stepline.core.failure_types import FailureType

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from pipeline.large_output import WholeOutput


def poll(action: Action, arn: ExecutionArn) -> JobResult:
    """Return the result by the execution's status; request its stop once if the timeout has passed.

    Only an execution that has ended has a result: DescribeExecution is eventually consistent, so it may be
    RUNNING after StopExecution, or although it had succeeded before.

    Raise the errors of `stepline.core.errors`, among them `TransientAwsError` if AWS could not be reached.
    """
    execution = describe_execution(action.dependencies.clients.stepfunctions, arn)
    if execution is None:
        return _not_visible(action, arn)
    if not execution.status.is_open and not _is_before_redrive(action, execution):
        return finished(action, execution)
    stop_requested = action.continuation.stop_requested
    if stop_requested is not None:
        return _still_stopping(action, arn, action.now - stop_requested)
    if action.timeout_passed:
        return _stop(action, arn)
    return _still_running(action, execution)


def _is_before_redrive(action: Action, execution: Execution) -> bool:
    """Return whether this is an older answer, of before the execution was redriven for this action."""
    redriven = action.continuation.redriven
    return redriven is not None and (
        execution.redriven is None or int(execution.redriven.timestamp()) < redriven
    )


def _not_visible(action: Action, arn: ExecutionArn) -> JobResult:
    """Continue for some time if the execution does not exist: DescribeExecution is eventually consistent."""
    started = action.continuation.started or action.continuation.first_seen
    if action.now - started > EXECUTION_VISIBLE_WITHIN_SECONDS:
        raise ExecutionLostError(f"The execution does not exist any more. Was {arn.machine} deleted?")
    return Continue(action.continuation, started_summary(arn))


def _still_running(action: Action, execution: Execution) -> Continue:
    progress = Progress()
    if action.dependencies.settings.show_progress:
        progress = _progress(action.dependencies.clients.stepfunctions, execution.arn)
    return Continue(
        action.continuation.with_percent(progress.percent), running_summary(execution, progress, action.now)
    )


def _progress(client: SFNClient, arn: ExecutionArn) -> Progress:
    """Return no progress if it cannot be read: the action does not depend on it."""
    try:
        return read_progress(client, arn)
    except AWS_FAILURES:
        return Progress()


def _stop(action: Action, arn: ExecutionArn) -> JobResult:
    """Request the stop of the execution, and describe it again: it may have ended by itself before."""
    client = action.dependencies.clients.stepfunctions
    _request_stop(client, arn, stop_cause(action.parameters.timeout_minutes))
    stopping = dataclasses.replace(action, continuation=action.continuation.with_stop_requested(action.now))
    try:
        execution = describe_execution(client, arn)
    except TransientAwsError:
        execution = None
    if execution is None or execution.status.is_open:
        return _still_stopping(stopping, arn, 0)
    return finished(stopping, execution)


def _request_stop(client: SFNClient, arn: ExecutionArn, cause: str) -> None:
    try:
        client.stop_execution(executionArn=str(arn), error=STOP_ERROR, cause=cause)
    except AWS_FAILURES as error:
        if error_code(error) == "ExecutionDoesNotExist":  # it was described before
            raise translate(error, kind=FailureKind.TRANSIENT) from error
        raise failed_call("states:StopExecution", str(arn), error) from error


def _still_stopping(action: Action, arn: ExecutionArn, seconds: int) -> Continue | Failure:
    """Continue until the execution has ended; fail if it is still open so long after StopExecution."""
    minutes = action.parameters.timeout_minutes
    if seconds < STOP_CONFIRMED_WITHIN_SECONDS:
        return Continue(action.continuation, stopping_summary(arn, minutes))
    return Failure(FailureType.JOB_FAILED, not_stopped_message(arn, minutes, seconds), arn)


def finished(action: Action, execution: Execution) -> JobResult:
    """Return the final result, for an execution that has ended."""
    if execution.status is Status.SUCCEEDED:
        return _succeeded(action, execution)
    failure = read_failure(action.dependencies.clients.stepfunctions, execution)
    return Failure(FailureType.JOB_FAILED, failure_message(failure, execution.arn), execution.arn)


def _succeeded(action: Action, execution: Execution) -> Success:
    from pipeline.outputs import output_variables  # noqa: PLC0415 - the cold start of a poll need not import it

    output = _whole_output(action, execution)
    _write_output_artifact(action, output)
    variables = output_variables(output.text, action.parameters.output_variables)
    summary = succeeded_summary(execution, output.remark + variables.remark, action.now)
    return Success(summary, execution.arn, variables.values)


def _whole_output(action: Action, execution: Execution) -> WholeOutput:
    from pipeline.large_output import WholeOutput, whole_output  # noqa: PLC0415

    store = action.large_data
    return WholeOutput(execution.output) if store is None else whole_output(store, execution.output)


def _write_output_artifact(action: Action, output: WholeOutput) -> None:
    job = action.job
    if not job.output_artifacts:
        return
    if job.credentials is None:
        raise ConfigurationError(
            "The execution succeeded, but the job has no artifact credentials to write its output artifact."
        )
    if output.error is not None:
        raise type(output.error)(
            f"The execution succeeded, but its output artifact could not be written: {output.error.message}"
        ) from output.error
    from pipeline.outputs import write_output_artifact  # noqa: PLC0415

    s3 = action.dependencies.clients.artifact_s3(job.credentials)
    write_output_artifact(s3, job.output_artifacts[0], output.text, job.encryption_key_id)

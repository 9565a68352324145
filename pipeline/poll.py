"""Polls the execution of an action, in each job after the one that started it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pipeline.action import Action
from pipeline.errors import ExecutionLostError
from pipeline.job_result import Continue, Failure, JobResult, Success
from pipeline.limits import EXECUTION_VISIBLE_WITHIN_SECONDS
from pipeline.messages import failure_message, running_summary, started_summary, succeeded_summary
from stepline.core.aws_errors import AWS_FAILURES, failed_call
from stepline.core.errors import ConfigurationError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Execution, Status, describe_execution
from stepline.core.executions.failure import read_failure
from stepline.core.executions.progress import Progress, read_progress
from stepline.core.failure_types import FailureType

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

STOP_ERROR = "TimeoutMinutesPassed"


def poll(action: Action, arn: ExecutionArn) -> JobResult:
    """Return the result by the execution's status; stop it if the timeout has passed.

    Raise the errors of `stepline.core.errors`, among them `TransientAwsError` if AWS could not be reached.
    """
    execution = describe_execution(action.dependencies.clients.stepfunctions, arn)
    if execution is None:
        return _not_visible(action, arn)
    if not execution.status.is_open:
        return finished(action, execution)
    if action.timeout_passed:
        return finished(action, _stop(action, execution))
    return _still_running(action, execution)


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


def _stop(action: Action, execution: Execution) -> Execution:
    """Stop the execution, and return it; it may have ended by itself before it was stopped."""
    client = action.dependencies.clients.stepfunctions
    minutes = action.parameters.timeout_minutes
    limit = "1 minute" if minutes == 1 else f"{minutes} minutes"
    cause = f"the execution was stopped because it ran longer than {limit}"
    try:
        client.stop_execution(executionArn=str(execution.arn), error=STOP_ERROR, cause=cause)
    except AWS_FAILURES as error:
        raise failed_call("states:StopExecution", str(execution.arn), error) from error
    after = describe_execution(client, execution.arn)
    if after is not None and after.status not in {Status.ABORTED, Status.RUNNING, Status.PENDING_REDRIVE}:
        return after
    return dataclasses.replace(execution, status=Status.ABORTED, error=STOP_ERROR, cause=cause)


def finished(action: Action, execution: Execution) -> JobResult:
    """Return the final result, for an execution that has ended."""
    if execution.status is Status.SUCCEEDED:
        return _succeeded(action, execution)
    failure = read_failure(action.dependencies.clients.stepfunctions, execution)
    return Failure(FailureType.JOB_FAILED, failure_message(failure, execution.arn), execution.arn)


def _succeeded(action: Action, execution: Execution) -> Success:
    from pipeline.outputs import output_variables  # noqa: PLC0415 - the cold start of a poll need not import it

    _write_output_artifact(action, execution)
    variables = output_variables(execution.output, action.parameters.output_variables)
    summary = succeeded_summary(execution, variables.remark, action.now)
    return Success(summary, execution.arn, variables.values)


def _write_output_artifact(action: Action, execution: Execution) -> None:
    job = action.job
    if not job.output_artifacts:
        return
    if job.credentials is None:
        raise ConfigurationError(
            "The execution succeeded, but the job has no artifact credentials to write its output artifact."
        )
    from pipeline.outputs import write_output_artifact  # noqa: PLC0415

    s3 = action.dependencies.clients.artifact_s3(job.credentials)
    write_output_artifact(s3, job.output_artifacts[0], execution.output, job.encryption_key_id)

"""Redrives the failed execution of an earlier attempt, when a stage with the custom action is retried.

An execution is redriven at most once for each attempt: RedriveExecution has a client token, and an execution
that was redriven since the attempt began is only watched.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pipeline.action import Action
from pipeline.action_runs import ActionRun, list_action_runs
from pipeline.continuation import first_job_of
from pipeline.job_event import PipelineContext
from pipeline.job_result import Continue
from pipeline.messages import redriven_summary, started_summary
from pipeline.observability import logger
from stepline.core.aws_errors import AWS_FAILURES, error_code, failed_call
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import describe_execution

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_NOT_REDRIVABLE: Final = frozenset(
    {"ExecutionNotRedrivable", "ExecutionDoesNotExist", "ExecutionLimitExceeded"}
)


def redrive_earlier(action: Action) -> Continue | None:
    """Redrive the execution of the attempt before this one, and return the result that continues with it.

    Return None if there is none, or if it cannot be redriven: then a new one is started.
    """
    context = action.job.pipeline
    assert context is not None
    runs = list_action_runs(action.dependencies.clients.codepipeline, context)
    execution = _earlier_execution(action, runs, context)
    if execution is None:
        return None
    found = describe_execution(action.dependencies.clients.stepfunctions, execution)
    if found is None:
        return None
    since = next((run.started for run in runs if run.is_of(context)), None)
    was_redriven = found.redriven is not None and since is not None and found.redriven >= since
    if found.status.is_open or found.output is not None or was_redriven:
        return _continue(action, execution, found.redriven, started_summary(execution))
    redriven = _redrive(action.dependencies.clients.stepfunctions, execution, action.job.id)
    return None if redriven is None else _continue(action, execution, redriven, redriven_summary(execution))


def _earlier_execution(
    action: Action, runs: list[ActionRun], context: PipelineContext
) -> ExecutionArn | None:
    """Return the execution of the newest earlier attempt, if it belongs to the action's state machine."""
    earlier = [run for run in runs if not run.is_of(context) and not run.is_in_progress]
    if not earlier:
        return None
    execution = earlier[0].execution
    if execution is None or execution.is_express or first_job_of(execution) is None:
        return None
    return execution if execution.belongs_to(action.machine) else None


def _redrive(client: SFNClient, execution: ExecutionArn, token: str) -> datetime | None:
    """Return when the execution was redriven; None if Step Functions refuses to."""
    try:
        return client.redrive_execution(executionArn=str(execution), clientToken=token)["redriveDate"]
    except AWS_FAILURES as error:
        if error_code(error) not in _NOT_REDRIVABLE:
            raise failed_call("states:RedriveExecution", str(execution), error) from error
        logger.info("The execution cannot be redriven", extra={"error_code": error_code(error)})
        return None


def _continue(action: Action, execution: ExecutionArn, redriven: datetime | None, summary: str) -> Continue:
    first_job_id = first_job_of(execution)
    assert first_job_id is not None
    continuation = replace(action.continuation, first_job_id=first_job_id)
    continuation = continuation.with_execution(execution, action.now)
    if redriven is not None:
        continuation = continuation.with_redriven(int(redriven.timestamp()))
    return Continue(continuation, summary)

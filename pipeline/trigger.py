"""The Lambda function that CodePipeline invokes: runs a state machine as an action.

The first job of an action reads the input and starts an execution. The following jobs poll it, and the last
one reports its result. Between two jobs nothing runs. `settings` lists the environment variables,
`user_parameters` the action's parameters.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from pipeline.clients import AwsClients, Clients
from pipeline.dependencies import Clock, Dependencies
from pipeline.errors import JobClosedError, JobEventError, JobNotFoundError
from pipeline.job_event import job_id, parse_job
from pipeline.job_result import Continue, Failure, JobResult, Success, report_result
from pipeline.observability import logger, metrics, traced
from pipeline.process_job import failure_of, process_job
from pipeline.settings import Settings, load_settings
from stepline.core.errors import SettingsError
from stepline.core.executions.arns import ExecutionArn

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_MILLISECONDS = 1000

_METRICS: Mapping[type[JobResult], str] = {
    Continue: "JobsContinued",
    Success: "JobsSucceeded",
    Failure: "JobsFailed",
}


class Trigger:
    """Handles the events of one container. With wrong settings it fails every job, naming the setting."""

    def __init__(
        self, clients: Clients, settings: Settings | SettingsError, clock: Clock = time.time
    ) -> None:
        self._codepipeline = clients.codepipeline
        self._dependencies: Dependencies | SettingsError = (
            settings if isinstance(settings, SettingsError) else Dependencies(settings, clients, clock)
        )

    def handle(self, event: Any, context: LambdaContext) -> None:
        """Report the result of the event's job, exactly once.

        Raise `JobResultError` if that failed, so that Lambda invokes the function again, and `JobEventError`
        if the event has no job id.
        """
        job = job_id(event)
        logger.append_keys(job_id=job)
        result = self._result(event, context.get_remaining_time_in_millis() / _MILLISECONDS)
        try:
            _record(report_result(self._codepipeline, job, result))
        except JobClosedError as error:
            logger.warning("Job already closed", extra=error.fields)
            _count("JobsClosed")
        except JobNotFoundError as error:
            logger.warning("Job does not exist", extra=error.fields)

    def _result(self, event: Any, remaining_seconds: float) -> JobResult:
        if isinstance(self._dependencies, SettingsError):
            return failure_of(self._dependencies)
        try:
            job = parse_job(event)
        except JobEventError as error:
            return failure_of(error)
        return process_job(job, self._dependencies, remaining_seconds)


def _record(result: JobResult) -> None:
    """Log and count a result that was reported."""
    match result:
        case Continue():
            _log("continued", result.continuation.execution, percent=result.continuation.percent)
        case Success():
            _log("succeeded", result.execution)
        case Failure():
            _log("failed", result.execution, failure_type=result.type.value)
    _count(_METRICS[type(result)])


def _count(metric: str) -> None:
    metrics.add_metric(metric, MetricUnit.Count, 1)


def _log(outcome: str, execution: ExecutionArn | None, **fields: object) -> None:
    """Log a result without its text, which may quote the event."""
    arn = None if execution is None else str(execution)
    logger.info("Job result reported", extra={"outcome": outcome, "execution_arn": arn, **fields})


def _cold_start() -> Trigger:
    clients = AwsClients()
    _ = clients.stepfunctions  # `Trigger` creates the codepipeline client
    settings: Settings | SettingsError
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        logger.error("Wrong settings", extra={"reason": error.message})
        settings = error
    return Trigger(clients, settings)


_trigger = functools.cache(_cold_start)
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _trigger()  # during Lambda's initialization, so that the first job need not create the clients


@logger.inject_lambda_context(log_event=False, clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@traced
def handler(event: Any, context: LambdaContext) -> None:
    """Handle the event of one job of a CodePipeline action. See `Trigger.handle`."""
    _trigger().handle(event, context)

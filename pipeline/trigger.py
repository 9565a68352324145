"""The Lambda function that CodePipeline invokes: starts a state machine and waits for it.

The first job of an action reads the input and starts an execution; the following jobs ask
how it is, until the last one reports its end. Between them nothing runs and nothing waits.
`settings` lists the environment, `user_parameters` what the action may say.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from pipeline.answer import Answer, Continue, Failure, Success, put_answer
from pipeline.clients import AwsClients, Clients
from pipeline.errors import JobClosedError, JobEventError
from pipeline.job import job_id, parse_job
from pipeline.jobs import answer_for, failure_of
from pipeline.services import Clock, Services
from pipeline.settings import Settings, load_settings
from stepline.core.errors import SettingsError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.observability import logger, metrics, traced

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_MILLISECONDS = 1000

_METRICS: Mapping[type[Answer], str] = {
    Continue: "JobsContinued",
    Success: "JobsSucceeded",
    Failure: "JobsFailed",
}


class Trigger:
    """The handler of one container. With unusable settings it fails every job, naming the setting."""

    def __init__(
        self, clients: Clients, settings: Settings | SettingsError, clock: Clock = time.time
    ) -> None:
        self._codepipeline = clients.codepipeline
        self._services: Services | SettingsError = (
            settings if isinstance(settings, SettingsError) else Services(settings, clients, clock)
        )

    def handle(self, event: Any, context: LambdaContext) -> None:
        """Answer the job of `event`, exactly once.

        Raises only if the job could not be answered, so that Lambda delivers it again:
        `AnswerError`; and `JobEventError` for an event that has no job to answer.
        """
        answered = job_id(event)
        logger.append_keys(job_id=answered)
        answer = self._answer(event, context.get_remaining_time_in_millis() / _MILLISECONDS)
        try:
            _report(put_answer(self._codepipeline, answered, answer))
        except JobClosedError as error:
            logger.warning("The job was closed already", extra=error.fields)
            _count("JobsClosed")

    def _answer(self, event: Any, remaining_seconds: float) -> Answer:
        if isinstance(self._services, SettingsError):
            return failure_of(self._services)
        try:
            job = parse_job(event)
        except JobEventError as error:
            return failure_of(error)
        return answer_for(job, self._services, remaining_seconds)


def _report(answer: Answer) -> None:
    match answer:
        case Continue():
            _log_answer("continued", answer.continuation.execution, percent=answer.continuation.percent)
        case Success():
            _log_answer("succeeded", answer.execution)
        case Failure():
            _log_answer("failed", answer.execution, failure_type=answer.type.value)
    _count(_METRICS[type(answer)])


def _count(metric: str) -> None:
    metrics.add_metric(metric, MetricUnit.Count, 1)


def _log_answer(outcome: str, execution: ExecutionArn | None, **fields: object) -> None:
    """Without the text of the answer, which may quote UserParameters, that is, the event."""
    arn = None if execution is None else str(execution)
    logger.info("The job is answered", extra={"outcome": outcome, "execution_arn": arn, **fields})


def _cold_start() -> Trigger:
    clients = AwsClients()
    _ = clients.stepfunctions  # the codepipeline client is made by `Trigger`
    settings: Settings | SettingsError
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        logger.error("The settings cannot be used", extra={"reason": error.message})
        settings = error
    return Trigger(clients, settings)


_trigger = functools.cache(_cold_start)
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _trigger()  # within Lambda's initialisation, so that the first job finds the clients made


@logger.inject_lambda_context(log_event=False, clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@traced
def handler(event: Any, context: LambdaContext) -> None:
    """The Lambda function's entry: one job of a CodePipeline action. See `Trigger.handle`."""
    _trigger().handle(event, context)

"""The Lambda function that CodePipeline invokes: runs a state machine as an action.

The first job of an action reads the input and starts an execution. The following jobs poll it, and the last
one reports its result. Between two jobs nothing runs. With `HOLD_MINUTES`, a job whose execution runs is held
open, and the worker answers it when the execution has ended. `settings` lists the environment variables,
`user_parameters` the action's parameters.
"""

from __future__ import annotations

import functools
import os
import time
from typing import TYPE_CHECKING, Any

from pipeline.clients import AwsClients, Clients
from pipeline.dependencies import Clock, Dependencies, remaining_seconds
from pipeline.errors import JobEventError
from pipeline.job_event import job_id, parse_job
from pipeline.job_result import Continue, JobResult
from pipeline.observability import logger, metrics, traced
from pipeline.process_job import failure_of, process_job
from pipeline.reporting import report
from pipeline.settings import Settings, load_settings
from stepline.core.errors import SettingsError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


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
        result, is_held = self._result(event, remaining_seconds(context)())
        if result is not None:
            report(self._codepipeline, job, result, is_held=is_held)

    def _result(self, event: Any, seconds: float) -> tuple[JobResult | None, bool]:
        """Return the result, None for a job that is left open, and whether the worker may report one, too."""
        if isinstance(self._dependencies, SettingsError):
            return failure_of(self._dependencies), False
        try:
            job = parse_job(event)
        except JobEventError as error:
            return failure_of(error), False
        result = process_job(job, self._dependencies, seconds)
        if not self._dependencies.settings.hold_seconds or not isinstance(result, Continue):
            return result, False
        from pipeline.holding import hold  # noqa: PLC0415 - only with this setting, while an execution runs

        return hold(job, result, self._dependencies, seconds)


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

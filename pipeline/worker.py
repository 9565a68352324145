"""The Lambda function of the custom action: its jobs wait for it, and events wake it.

EventBridge invokes it for

- "CodePipeline Action Execution State Change": an action has begun, and its first job is to be taken; or it
  has ended without a result of the worker, and its execution is to be stopped
- "Step Functions Execution Status Change", of an execution that has ended: its job is to be answered
- a schedule of the action: its timeout has passed
- a schedule: the sweep, in case an event was lost
- another schedule, if the trigger of Lambda actions holds jobs open: they must be continued in time.

`settings` and `worker_settings` list the environment variables, `action_properties` the action's properties.
"""

from __future__ import annotations

import functools
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pipeline.clients import AwsClients, Clients
from pipeline.continuation import first_job_of
from pipeline.custom_action import CustomAction
from pipeline.dependencies import Clock, Dependencies, Sleep, remaining_seconds
from pipeline.held_jobs import HeldJobs
from pipeline.job_event import PipelineContext
from pipeline.observability import logger, metrics, traced
from pipeline.open_jobs import OpenJobs
from pipeline.settings import Settings, load_settings
from pipeline.stops import Stops
from pipeline.timeouts import ACTION_TIMEOUT
from pipeline.worker_settings import WorkerSettings, load_worker_settings
from stepline.core.executions.arns import ExecutionArn
from stepline.core.fields import Fields

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_ACTION_CHANGE: Final = "CodePipeline Action Execution State Change"
_EXECUTION_CHANGE: Final = "Step Functions Execution Status Change"
_SCHEDULE: Final = "Scheduled Event"
_HELD_JOBS: Final = "Held Jobs"
"""[ours]: the template's rule sends it."""


class Worker:
    """Handles the events of one container."""

    def __init__(
        self,
        clients: Clients,
        settings: Settings,
        worker_settings: WorkerSettings,
        clock: Clock = time.time,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._settings = worker_settings
        self._open_jobs = OpenJobs(clients.dynamodb, worker_settings.table)
        # Nobody sees the progress of an execution whose job is held.
        self._dependencies = Dependencies(replace(settings, show_progress=False), clients, clock, sleep)
        self._lambda_dependencies = Dependencies(settings, clients, clock, sleep)
        self._stops = Stops(self._dependencies)

    def handle(self, event: Any, context: LambdaContext) -> None:
        """Do what the event asks for.

        Raise `SteplineError` if AWS could not be reached, so that Lambda invokes the function again, and for
        an event that no rule of the template sends.
        """
        fields = Fields(event, "the event")
        action = self._custom_action(context)
        kind = fields.text("detail-type")
        if kind == _ACTION_CHANGE:
            self._action_changed(action, fields.section("detail"))
        elif kind == _EXECUTION_CHANGE:
            execution = ExecutionArn.parse(fields.section("detail").text("executionArn"))
            if execution is not None and (first_job_id := first_job_of(execution)) is not None:
                action.execution_ended(first_job_id)
        elif kind == _SCHEDULE:
            action.sweep()
        elif kind == ACTION_TIMEOUT:
            action.timeout_passed(fields.section("detail").text("firstJob"))
        elif kind == _HELD_JOBS:
            self._held_jobs(context).sweep()
        else:
            raise fields.wrong("detail-type", "must be that of an event of the template's rules", kind)

    def _action_changed(self, action: CustomAction, detail: Fields) -> None:
        context = _pipeline_context(detail)
        if detail.text("state") == "STARTED":
            action.action_started(context)
        else:
            is_custom = detail.section("type").text("owner") == "Custom"
            self._stops.action_ended(context, is_custom=is_custom)

    def _custom_action(self, context: LambdaContext) -> CustomAction:
        return CustomAction(
            self._settings,
            self._open_jobs,
            self._held_jobs(context),
            self._stops,
            self._dependencies,
            remaining_seconds=remaining_seconds(context),
        )

    def _held_jobs(self, context: LambdaContext) -> HeldJobs:
        return HeldJobs(
            self._open_jobs,
            self._lambda_dependencies,
            remaining_seconds=remaining_seconds(context),
        )


def _pipeline_context(detail: Fields) -> PipelineContext:
    return PipelineContext(
        name=detail.text("pipeline"),
        execution_id=detail.text("execution-id"),
        stage=detail.text("stage"),
        action=detail.text("action"),
        action_execution_id=detail.text_or_empty("action-execution-id"),
    )


def _cold_start() -> Worker:
    return Worker(AwsClients(), load_settings(os.environ), load_worker_settings(os.environ))


_worker = functools.cache(_cold_start)
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _worker()  # during Lambda's initialization


@logger.inject_lambda_context(log_event=False, clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@traced
def handler(event: Any, context: LambdaContext) -> None:
    """Handle an event. See `Worker.handle`."""
    _worker().handle(event, context)

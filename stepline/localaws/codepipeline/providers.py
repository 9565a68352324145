"""Starts an action with its provider (source, Lambda, manual approval), and ends it when its time is up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import LAMBDA, MANUAL
from stepline.localaws.codepipeline.approval_action import ApprovalAction
from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.execution_flow import ExecutionFlow
from stepline.localaws.codepipeline.jobs import Jobs
from stepline.localaws.codepipeline.lambda_action import LambdaInvokeAction
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionResult
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.source_action import SourceAction
from stepline.localaws.codepipeline.sources import Source

_TIMER = "action"
_SECONDS_PER_MINUTE = 60


class ActionProviders:
    """`flow` moves executions; `jobs` takes the results of functions, `approvals` those of people."""

    def __init__(self, runtime: Runtime, clients: ServiceClients, sources: Mapping[str, Source]) -> None:
        self._runtime = runtime
        self.flow = ExecutionFlow(runtime, run_action=self._run, drop_jobs=self._drop_jobs)
        self._source = SourceAction(runtime, self.flow, clients, sources)
        self._lambda = LambdaInvokeAction(runtime, self.flow, clients)
        self.approvals = ApprovalAction(runtime, self.flow, clients)

    @property
    def jobs(self) -> Jobs:
        return self._lambda.jobs

    def _run(self, action: ActionExecution) -> None:
        seconds = self._timeout_seconds(action)
        with self._runtime.transaction():
            if not action.in_progress:
                return
            action.set_timer(_TIMER, self._runtime.later(seconds, partial(self._time_out, action, seconds)))
        with self.flow.fail_on_error(action):
            if action.declaration.type == MANUAL:
                self.approvals.start(action, timeout_seconds=seconds)
            elif action.declaration.type == LAMBDA:
                self._lambda.start(action)
            else:
                self._source.start(action)

    def _timeout_seconds(self, action: ActionExecution) -> float:
        settings = self._runtime.settings
        if action.declaration.timeout_minutes is not None:
            return float(action.declaration.timeout_minutes * _SECONDS_PER_MINUTE)
        if action.declaration.type == MANUAL:
            return settings.approval_timeout_seconds
        if action.declaration.type == LAMBDA:
            return settings.lambda_timeout_seconds
        return settings.action_timeout_seconds

    def _time_out(self, action: ActionExecution, seconds: float) -> None:
        minutes = seconds / _SECONDS_PER_MINUTE
        message = f"The action timed out: it was not complete after {minutes:g} minutes."
        self.flow.finish_action(action, ActionResult.failure(FailureType.JOB_FAILED, message))

    def _drop_jobs(self, action: ActionExecution) -> None:
        self.jobs.drop(action)

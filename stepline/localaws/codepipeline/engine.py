"""Puts the parts together: which provider does an action's work, and for how long it may."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from stepline.localaws.codepipeline.action_types import LAMBDA, MANUAL
from stepline.localaws.codepipeline.approval import ApprovalAction
from stepline.localaws.codepipeline.clients import Clients
from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.flow import Flow
from stepline.localaws.codepipeline.jobs import JobBook
from stepline.localaws.codepipeline.lambda_action import LambdaInvokeAction
from stepline.localaws.codepipeline.models import ActionType, FailureType, Outcome
from stepline.localaws.codepipeline.source_action import SourceAction
from stepline.localaws.codepipeline.sources import Source
from stepline.localaws.codepipeline.state import ActionExecution

_TIMER = "action"
_SECONDS_PER_MINUTE = 60


class ActionProvider(Protocol):
    def begin(self, action: ActionExecution) -> None:
        """Do the action's work, or set it going. Called outside transactions."""


class Engine:
    """`flow` moves executions, `jobs` takes the answers of functions, `approvals` those of people."""

    def __init__(self, core: Core, clients: Clients, sources: Mapping[str, Source]) -> None:
        self._core = core
        self.flow = Flow(core, begin=self._begin, forget=self._forget)
        self._source = SourceAction(core, self.flow, clients, sources)
        self._lambda = LambdaInvokeAction(core, self.flow, clients)
        self.approvals = ApprovalAction(core, self.flow)

    @property
    def jobs(self) -> JobBook:
        return self._lambda.jobs

    def _begin(self, action: ActionExecution) -> None:
        seconds = self._timeout_seconds(action)
        with self._core.transaction():
            if not action.in_progress:
                return
            action.set_timer(_TIMER, self._core.later(seconds, partial(self._time_out, action, seconds)))
        with self.flow.guarded(action):
            self._provider(action.declaration.type).begin(action)

    def _provider(self, action_type: ActionType) -> ActionProvider:
        providers: dict[ActionType, ActionProvider] = {LAMBDA: self._lambda, MANUAL: self.approvals}
        return providers.get(action_type, self._source)

    def _timeout_seconds(self, action: ActionExecution) -> float:
        settings = self._core.settings
        if action.declaration.timeout_minutes is not None:
            return float(action.declaration.timeout_minutes * _SECONDS_PER_MINUTE)
        if action.declaration.type == MANUAL:
            return settings.approval_timeout_seconds
        return settings.action_timeout_seconds

    def _time_out(self, action: ActionExecution, seconds: float) -> None:
        minutes = seconds / _SECONDS_PER_MINUTE
        message = f"The action timed out: it was not complete after {minutes:g} minutes."
        self.flow.finish_action(action, Outcome.failure(FailureType.JOB_FAILED, message))

    def _forget(self, action: ActionExecution) -> None:
        self._lambda.jobs.forget(action)

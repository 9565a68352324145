"""The worker's function in the simulation: the events that wake it, and what Lambda does with them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from unittest import mock

from pipeline import worker
from pipeline.custom_jobs import ActionType
from pipeline.settings import load_settings
from pipeline.worker_settings import TimeoutSettings, WorkerSettings
from stepline.deployment.template import read_template
from stepline.localaws.events import AwsEvent
from tests.fakes.scheduler import FakeScheduler
from tests.faults.functions import Invocation
from tests.faults.pipeline_parts import MACHINE, OPEN_JOBS_TABLE, WORKER
from tests.faults.pipeline_world import PipelineWorld
from tests.faults.schedule import Fault
from tests.faults.trigger_function import QUEUED_SECONDS, TEMPLATE

ACTION_TYPE = ActionType("Invoke", "Stepline", "1")

_ROLE = "arn:aws:iam::000000000000:role/schedule"
_ARN = f"arn:aws:lambda:us-east-1:000000000000:function:{WORKER}"
_RETRY_SECONDS = (60, 120)
_DELIVERY_SECONDS = 0.5


class WorkerWorld(PipelineWorld):
    """`deploy_worker` must be called once."""

    def deploy_worker(self, settings: Mapping[str, str]) -> None:
        self.functions.handlers = {**self.functions.handlers, WORKER: worker.handler}
        self.functions.timeouts = {**self.functions.timeouts, WORKER: float(_properties()["Timeout"])}
        self.scheduler = FakeScheduler(on_schedule=self._schedule)
        self.services = {**self.services, "scheduler": self.scheduler}
        self._worker = worker.Worker(
            self._network.trigger,
            load_settings({"STATE_MACHINE_ARN": MACHINE, **settings}),
            WorkerSettings(ACTION_TYPE, OPEN_JOBS_TABLE, TimeoutSettings("timeouts", _ROLE, _ARN)),
            self.function_clock,
            self.clock.advance,
        )

    def _schedule(self, at: datetime, event: Any) -> None:
        self.clock.call_later((at - self.clock.now()).total_seconds(), partial(self.deliver, event))

    @contextmanager
    def running_functions(self) -> Iterator[None]:
        with super().running_functions(), mock.patch.object(worker, "_worker", return_value=self._worker):
            yield

    def wakes_the_worker(self, event: AwsEvent) -> bool:
        """Return whether a rule of the template matches the event."""
        raise NotImplementedError

    def publish(self, event: AwsEvent) -> None:
        super().publish(event)
        if self.wakes_the_worker(event):
            document = {
                "detail-type": event.detail_type,
                "source": event.source,
                "detail": dict(event.detail),
            }
            self.clock.call_later(_DELIVERY_SECONDS, partial(self.deliver, document))

    def deliver(self, event: dict[str, Any], attempt: int = 0) -> None:
        """Run the worker as Lambda does for an asynchronous event: again if it fails."""
        next_call = len(self.calls) + 1
        if attempt == 0 and self._injections.get(next_call) is Fault.EVENT_LOST:
            del self._injections[next_call]
            return
        if self._injections.get(next_call) is Fault.EVENT_DELAYED:
            del self._injections[next_call]
            self.clock.call_later(QUEUED_SECONDS[Fault.EVENT_DELAYED], partial(self.deliver, event))
            return
        invocation = Invocation(WORKER, event, self.functions.timeouts[WORKER])
        self.functions.run(invocation)
        if invocation.error and attempt < len(_RETRY_SECONDS):
            self.clock.call_later(_RETRY_SECONDS[attempt], partial(self.deliver, event, attempt + 1))

    @property
    def open_jobs(self) -> list[Any]:
        """What is left in the worker's table."""
        return self.dynamodb.items(OPEN_JOBS_TABLE)


def is_matched_by(rule: str, event: AwsEvent) -> bool:
    """Return whether the rule of the template, of those with one value or several for a member, matches."""
    pattern = _properties()["Events"][rule]["Properties"]["Pattern"]
    return event.detail_type in pattern["detail-type"] and _is_matched(pattern["detail"], event.detail)


def _is_matched(pattern: Mapping[str, Any], detail: Mapping[str, Any]) -> bool:
    """Names of the action type are references in the template, and its only type here is the action's."""
    for name, wanted in pattern.items():
        if isinstance(wanted, Mapping):
            if not _is_matched(wanted, detail[name]):
                return False
        elif not any(_is_one_of(item, detail[name]) for item in wanted):
            return False
    return True


def _is_one_of(wanted: Any, value: str) -> bool:
    if isinstance(wanted, Mapping):
        return value.startswith(wanted["prefix"]) if "prefix" in wanted else True
    return bool(wanted == value)


@functools.cache
def _properties() -> dict[str, Any]:
    properties: dict[str, Any] = read_template(TEMPLATE)["Resources"]["WorkerFunction"]["Properties"]
    return properties

"""Executions of the Deploy state machine that are stopped, and what Clean Up does then."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

from statemachines.deploy import clean_up
from statemachines.deploy.errors import CleanUpIncompleteError
from stepline.localaws.events import AwsEvent
from tests.statemachines.deploy.machine import DeployExecution, Machine

RETRY_SECONDS = (60, 120)
"""Lambda invokes a function again after so long [guide, "Error handling for asynchronous invocation"]."""

_SWEEP = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
_ENDED = {"ABORTED", "TIMED_OUT", "FAILED"}


class StoppedMachine:
    """Stops the execution just before a function works, which it does all the same.

    It is the function `stop_in`, or the one with the number `stop_at`, counted from 1; without these, nothing
    is stopped. `functions` are those that ran. `loses_events`: Clean Up gets no status event.
    """

    def __init__(
        self, machine: Machine, *, stop_in: str = "", stop_at: int = 0, loses_events: bool = False
    ) -> None:
        self.machine = machine
        self.deliveries = 0
        self._stop_at = stop_at
        self._loses_events = loses_events
        machine.function_calls.before_each = self._before_each
        machine.function_calls.interference[stop_in, 1] = self.stop
        machine.on_status = self._receive
        machine.stays_open = True

    def run(self, document: Any) -> DeployExecution:
        """Run the execution, and what its end starts."""
        with self.clock():
            execution = self.machine.run(document)
            self.machine.clock.run(max_steps=10_000)
        return execution

    def sweep(self) -> list[str]:
        """Run the hourly clean-up, and return what it has deleted the last time if Lambda repeats it."""
        for seconds in (*RETRY_SECONDS, 0):
            with self.clock(), contextlib.suppress(CleanUpIncompleteError):
                deleted: list[str] = clean_up.handler(_SWEEP, None)["deleted"]
                return deleted
            self.machine.clock.advance(seconds)
        raise AssertionError("the sweep fails")

    @contextlib.contextmanager
    def clock(self) -> Iterator[None]:
        """Let Clean Up know the virtual time."""
        now = SimpleNamespace(time=lambda: self.machine.clock.now().timestamp())
        with mock.patch.object(clean_up, "time", now):
            yield

    @property
    def functions(self) -> list[str]:
        return [name for name, _ in self.machine.function_calls.calls]

    @property
    def left(self) -> list[str]:
        """The temporary templates, and the change sets that were not executed."""
        templates = [key for _, key in self.machine.s3.objects if key.startswith("templates/")]
        change_sets = self.machine.cloudformation.change_sets.values()
        return templates + [
            item.name for item in change_sets if not item.execution_status.startswith("EXECUTE")
        ]

    def stop(self) -> None:
        """Stop all executions."""
        service = self.machine.stepfunctions
        for machine in service.list_state_machines({})["stateMachines"]:
            executions = service.list_executions({"stateMachineArn": machine["stateMachineArn"]})[
                "executions"
            ]
            for execution in executions:
                service.stop_execution({"executionArn": execution["executionArn"]})

    def deliver(self, event: dict[str, Any], retries: tuple[int, ...] = RETRY_SECONDS) -> None:
        self.deliveries += 1
        try:
            clean_up.handler(event, None)
        except CleanUpIncompleteError:
            if retries:
                self.machine.clock.call_later(retries[0], lambda: self.deliver(event, retries[1:]))

    def _before_each(self) -> None:
        if len(self.functions) == self._stop_at:
            self.stop()

    def _receive(self, event: AwsEvent) -> None:
        if event.detail["status"] in _ENDED and not self._loses_events:
            self.deliver(event_of(event))


def event_of(event: AwsEvent) -> dict[str, Any]:
    """Return the event as EventBridge delivers it."""
    return {"source": event.source, "detail-type": event.detail_type, "detail": dict(event.detail)}

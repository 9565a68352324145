"""One execution: what DescribeExecution and GetExecutionHistory tell about it.

The events are the truth: the event that ends an execution also sets its status, in
one step, and nothing is recorded after it. So a stopped execution is closed at once,
whatever its tasks still do.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stepline.localaws.stepfunctions.threads import Cancelled

Details = Mapping[str, Any]


class Status(enum.StrEnum):
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


class MachineType(enum.StrEnum):
    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


class TaskClosedError(Exception):
    """The task that a token belongs to has ended: it timed out, or was left."""


@dataclass(frozen=True)
class Machine:
    """A state machine as it was when an execution started."""

    arn: str
    name: str
    type: MachineType
    definition: str
    role_arn: str
    update_date: datetime
    logging_configuration: Mapping[str, Any] | None = None
    tracing_configuration: Mapping[str, Any] | None = None
    revision_id: str | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A state of the outermost level as it was entered: where a redrive begins."""

    state_name: str
    input: Any
    variables: Mapping[str, Any]


_CLOSING_EVENTS = {
    "ExecutionSucceeded": Status.SUCCEEDED,
    "ExecutionFailed": Status.FAILED,
    "ExecutionAborted": Status.ABORTED,
    "ExecutionTimedOut": Status.TIMED_OUT,
}
_DETAILS_OF_CLOSING_EVENTS = {
    "ExecutionSucceeded": "executionSucceededEventDetails",
    "ExecutionFailed": "executionFailedEventDetails",
    "ExecutionAborted": "executionAbortedEventDetails",
    "ExecutionTimedOut": "executionTimedOutEventDetails",
}


MAX_EVENTS = 25_000
"""Events in a history; an execution that needs more fails [Step Functions quotas]."""

_TOO_MANY_EVENTS = {
    "executionFailedEventDetails": {
        "error": "States.Runtime",
        "cause": f"The execution reached the maximum number of history events ({MAX_EVENTS}).",
    }
}


@dataclass
class Execution:
    """The record of one execution. Safe to use from several threads."""

    arn: str
    name: str
    machine: Machine
    input: str
    start_date: datetime
    now: Callable[[], datetime]
    trace_header: str | None = None
    status: Status = Status.RUNNING
    stop_date: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    redrive_count: int = 0
    redrive_date: datetime | None = None
    redrive_token: str | None = None
    checkpoint: Checkpoint | None = None
    on_closed: list[Callable[[], None]] = field(default_factory=list)
    _events: list[Details] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def running(self) -> bool:
        return self.status is Status.RUNNING

    def events(self) -> list[Details]:
        """The history so far, oldest first, in the shape of the API."""
        with self._lock:
            return list(self._events)

    def record(self, event_type: str, details: Details | None = None, *, previous_event_id: int = 0) -> int:
        """Add an event and return its id; a closing event closes the execution.

        `details` holds the member of the event's details: `{"taskFailedEventDetails": {...}}`.
        Raises Cancelled when the execution is closed already: whoever still works for it is too late.
        """
        with self._lock:
            if not self.running:
                raise Cancelled
            if len(self._events) == MAX_EVENTS - 1 and self.machine.type is MachineType.STANDARD:
                event_type, details = "ExecutionFailed", _TOO_MANY_EVENTS
            event_id = self._append(event_type, details or {}, previous_event_id)
            closing = _CLOSING_EVENTS.get(event_type)
            if closing is not None:
                self._close(closing, (details or {}).get(_DETAILS_OF_CLOSING_EVENTS[event_type], {}))
        if closing is not None:
            for callback in list(self.on_closed):
                callback()
        return event_id

    def close(self, event_type: str, *, error: str | None = None, cause: str | None = None) -> bool:
        """End the execution from outside. False if it was closed already."""
        details = {key: value for key, value in (("error", error), ("cause", cause)) if value is not None}
        try:
            self.record(event_type, {_DETAILS_OF_CLOSING_EVENTS[event_type]: details})
        except Cancelled:
            return False
        return True

    def redrive(self, *, token: str | None) -> datetime:
        """Open a closed execution again and return the redrive date."""
        with self._lock:
            self.status = Status.RUNNING
            self.stop_date = self.output = self.error = self.cause = None
            self.redrive_count += 1
            self.redrive_date = self.now()
            self.redrive_token = token
            details = {"executionRedrivenEventDetails": {"redriveCount": self.redrive_count}}
            self._append("ExecutionRedriven", details, len(self._events))
            return self.redrive_date

    def _append(self, event_type: str, details: Details, previous_event_id: int) -> int:
        event_id = len(self._events) + 1
        self._events.append(
            {
                "timestamp": self.now(),
                "type": event_type,
                "id": event_id,
                "previousEventId": previous_event_id,
                **details,
            }
        )
        return event_id

    def _close(self, status: Status, details: Details) -> None:
        self.status = status
        self.stop_date = self.now()
        self.output = details.get("output")
        self.error = details.get("error")
        self.cause = details.get("cause")

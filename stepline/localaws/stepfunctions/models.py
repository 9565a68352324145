"""State machines and executions.

The events of an execution are its state: the event that closes an execution also sets its status, in one
step, and nothing is recorded after it. So a stopped execution is closed at once, even while its tasks run.
"""

from __future__ import annotations

import enum
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stepline.core.executions.describe import Status
from stepline.localaws.stepfunctions import settings
from stepline.localaws.stepfunctions.map_runs import MapRun
from stepline.localaws.stepfunctions.threads import CancelledError

Event = Mapping[str, Any]
"""An event of a history, in the shape of the API."""


class MachineType(enum.StrEnum):
    """[model: StateMachineType]"""

    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


class TaskClosedError(Exception):
    """The task that a token belongs to has ended: it timed out, or its execution left it."""


@dataclass(frozen=True)
class Machine:
    """A state machine at one moment. `update_date` is None until the first update.

    `version_arn` and `alias_arn` say what it was found by, if not by its own ARN.
    """

    arn: str
    name: str
    type: MachineType
    definition: str
    role_arn: str
    creation_date: datetime
    update_date: datetime | None
    logging_configuration: Mapping[str, Any]
    tracing_configuration: Mapping[str, Any]
    revision_id: str | None
    version_arn: str | None = None
    alias_arn: str | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A state of the outermost level when it was entered: a redrive continues from there."""

    state_name: str
    input: Any
    variables: Mapping[str, Any]


_CLOSING_EVENTS = {
    "ExecutionSucceeded": Status.SUCCEEDED,
    "ExecutionFailed": Status.FAILED,
    "ExecutionAborted": Status.ABORTED,
    "ExecutionTimedOut": Status.TIMED_OUT,
}


_RECENT_TEXTS = 4
_EVENT_BYTES = 600
"""The memory that an event takes without its long texts [measured]."""


@dataclass
class Execution:
    """One execution. Safe to use from several threads. `machine` is as it was when the execution started."""

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
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    """Called with each event, under the lock of the execution."""
    map_runs: list[MapRun] = field(default_factory=list)
    history_bytes: int = 0
    """About the memory that the texts of the history take."""
    _events: list[Event] = field(default_factory=list)
    _recent_texts: deque[str] = field(default_factory=lambda: deque(maxlen=_RECENT_TEXTS))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def running(self) -> bool:
        return self.status is Status.RUNNING

    def events(self) -> list[Event]:
        """Return the history so far, oldest first."""
        with self._lock:
            return list(self._events)

    def last_event(self) -> Event:
        """Return the newest event."""
        with self._lock:
            return self._events[-1]

    def record(self, event_type: str, details: Event | None = None, *, previous_event_id: int = 0) -> int:
        """Add an event to the history and return its id; a closing event closes the execution.

        `details` holds the member of the event's details: `{"taskFailedEventDetails": {...}}`.
        Raises CancelledError if the execution is closed already, which ends the calling thread.
        """
        with self._lock:
            if not self.running:
                raise CancelledError
            if len(self._events) == settings.MAX_EVENTS - 1 and self.machine.type is MachineType.STANDARD:
                event_type, details = "ExecutionFailed", _too_many_events()
            event_id = self._append(event_type, details or {}, previous_event_id)
            status = _CLOSING_EVENTS.get(event_type)
            if status is not None:
                self._close(status, (details or {}).get(_details_member(event_type), {}))
        if status is not None:
            for callback in list(self.on_closed):
                callback()
        return event_id

    def close(self, event_type: str, *, error: str | None = None, cause: str | None = None) -> None:
        """Close the execution from outside, unless it is closed already."""
        details = {key: value for key, value in (("error", error), ("cause", cause)) if value is not None}
        try:
            self.record(event_type, {_details_member(event_type): details})
        except CancelledError:
            return

    def reopen(self, *, token: str | None) -> None:
        """Open a closed execution again for a redrive."""
        with self._lock:
            self.status = Status.RUNNING
            self.stop_date = self.output = self.error = self.cause = None
            self.redrive_count += 1
            self.redrive_date = self.now()
            self.redrive_token = token
            details = {"executionRedrivenEventDetails": {"redriveCount": self.redrive_count}}
            self._append("ExecutionRedriven", details, len(self._events))

    def _append(self, event_type: str, details: Event, previous_event_id: int) -> int:
        event_id = len(self._events) + 1
        self._events.append(
            {
                "timestamp": self.now(),
                "type": event_type,
                "id": event_id,
                "previousEventId": previous_event_id,
                **{member: self._shared(value) for member, value in details.items()},
            }
        )
        self.history_bytes += _EVENT_BYTES
        for listener in self.listeners:
            listener(self._events[-1])
        return event_id

    def _shared(self, value: Any) -> Any:
        """Return the details of an event with texts of earlier events, where they are equal."""
        if isinstance(value, Mapping):
            return {name: self._shared(item) for name, item in value.items()}
        if not isinstance(value, str) or len(value) < settings.MIN_SHARED_CHARACTERS:
            return value
        for text in self._recent_texts:
            if text == value:
                return text
        self._recent_texts.append(value)
        self.history_bytes += len(value)
        return value

    def _close(self, status: Status, details: Event) -> None:
        self.status = status
        self.stop_date = self.now()
        self.output = details.get("output")
        self.error = details.get("error")
        self.cause = details.get("cause")


def _details_member(event_type: str) -> str:
    """Return the name of a closing event's details: `executionFailedEventDetails`."""
    return f"{event_type[0].lower()}{event_type[1:]}EventDetails"


def _too_many_events() -> Event:
    cause = f"The execution reached the maximum number of history events ({settings.MAX_EVENTS})."
    return {"executionFailedEventDetails": {"error": "States.Runtime", "cause": cause}}

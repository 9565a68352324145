"""Reads the newest events of an execution's history, and finds the current state and the state that failed.

Only one page of events is read, newest first. All events but the first refer to the event that caused them
(`previousEventId`, 0 for none). A state that is left by a Catch has an exited event, too; a Fail state has
none. https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from stepline.core.executions.arns import ExecutionArn
from stepline.core.limits import HISTORY_EVENTS

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EVENTS_PER_STATE = 5
"""Of a typical Task: entered, scheduled, started, succeeded, exited."""

_ENTERED = "StateEntered"
_EXITED = "StateExited"


class HistoryEvent(NamedTuple):
    """One event. `name` is the state of an entered or exited event, or the Map state of an iteration.

    `resource` is what a task that is scheduled calls: the ARN of a function or activity, or the service and
    its action (`states:startExecution.sync`).
    """

    id: int
    previous_id: int
    type: str
    time: datetime
    name: str | None = None
    error: str | None = None
    cause: str | None = None
    length: int | None = None  # items of a Map state that has started
    iteration: int | None = None  # index from 0
    resource: str | None = None
    map_run: str | None = None  # ARN, of a distributed Map that has started

    @property
    def is_entered(self) -> bool:
        return self.type.endswith(_ENTERED)

    @property
    def is_exited(self) -> bool:
        return self.type.endswith(_EXITED)

    @property
    def is_failure(self) -> bool:
        """Whether a task, a state or an iteration failed or timed out, but not the execution itself."""
        return self.type.endswith(("Failed", "TimedOut")) and not self.type.startswith("Execution")


History = Sequence[HistoryEvent]


def read_history(client: SFNClient, arn: ExecutionArn) -> History:
    """Return the newest 1,000 events, newest first. Raise botocore's exceptions."""
    response = client.get_execution_history(
        executionArn=str(arn), reverseOrder=True, includeExecutionData=False, maxResults=HISTORY_EVENTS
    )
    return [parse_event(item) for item in response["events"]]


def parse_event(item: Mapping[str, Any]) -> HistoryEvent:
    """Parse one event of GetExecutionHistory. The key of its details depends on its type."""
    details: Mapping[str, Any] = {}
    for key, value in item.items():
        if key.endswith("Details") and isinstance(value, Mapping):
            details = value
    return HistoryEvent(
        id=item["id"],
        previous_id=item.get("previousEventId", 0),
        type=item["type"],
        time=item["timestamp"],
        name=details.get("name"),
        error=details.get("error"),
        cause=details.get("cause"),
        length=details.get("length"),
        iteration=details.get("index"),
        resource=_resource(details),
        map_run=details.get("mapRunArn"),
    )


def _resource(details: Mapping[str, Any]) -> str | None:
    service, resource = details.get("resourceType"), details.get("resource")
    return f"{service}:{resource}" if service else resource


def open_states(history: History) -> list[HistoryEvent]:
    """Return the entered events of states that were not exited, newest first."""
    exits: Counter[str | None] = Counter()
    found = []
    for event in history:
        if event.is_exited:
            exits[event.name] += 1
        elif event.is_entered and exits[event.name]:
            exits[event.name] -= 1
        elif event.is_entered:
            found.append(event)
    return found


def passed_states(history: History) -> int:
    """Return how many states were exited; for events older than `history` an estimate."""
    older_events = history[-1].id - 1 if history else 0
    return sum(event.is_exited for event in history) + older_events // EVENTS_PER_STATE


class FailedState(NamedTuple):
    name: str
    ended_in: str | None = None  # the Fail state that then ended the execution


def failed_state(history: History, error: str | None) -> FailedState | None:
    """Return the state in which an ended execution failed with `error`, or None if it cannot be found.

    This is the state that the last event refers to, directly or indirectly. If that is a Fail state with an
    error that was caught before, it is the state in which the error occurred; errors of states on the way to
    the Fail state are others. Of a longer history only the newest page is used, so that all callers find the
    same state.
    """
    history = history[:HISTORY_EVENTS]
    if not history:
        return None
    last = next(_entered_before(history, history[0]), None)
    if last is None or last.name is None:
        return _failed_while_open(history)
    if last.type != "FailStateEntered":
        return FailedState(last.name)
    origin = next((event for event in history if event.is_failure and event.error == error), None)
    if origin is not None and error is not None:
        before = next(_entered_before(history, origin), None)
        if before is not None and before.name is not None:
            return FailedState(before.name, ended_in=last.name)
    return FailedState(last.name)


def _failed_while_open(history: History) -> FailedState | None:
    """Return the current state of an aborted or timed-out execution: its last event refers to no state."""
    newest = next((event.name for event in open_states(history)), None)
    return None if newest is None else FailedState(newest)


def _entered_before(history: History, event: HistoryEvent) -> Iterator[HistoryEvent]:
    """Yield the entered events that `event` refers to, directly or not, itself included, newest first."""
    by_id = {item.id: item for item in history}
    current: HistoryEvent | None = event
    while current is not None:
        if current.is_entered:
            yield current
        previous = by_id.get(current.previous_id)
        current = previous if previous is not None and previous.id < current.id else None

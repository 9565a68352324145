"""Where an execution is and where it failed, from the newest events of its history.

Best effort: one page of events is looked at, newest first. Facts about them: each event but the first names
the one that led to it (`previousEventId`, 0 for none); a state that a Catch leaves is exited too; a Fail
state is never exited. https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
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


class Event(NamedTuple):
    """One event; `name` is the state's for entered and exited events, the Map's for its iterations."""

    id: int
    previous_id: int
    type: str
    time: datetime
    name: str | None = None
    error: str | None = None
    cause: str | None = None
    length: int | None = None  # of a Map state that has started

    @property
    def is_entered(self) -> bool:
        return self.type.endswith(_ENTERED)

    @property
    def is_exited(self) -> bool:
        return self.type.endswith(_EXITED)

    @property
    def is_failure(self) -> bool:
        """Whether something inside the execution failed or timed out."""
        return self.type.endswith(("Failed", "TimedOut")) and not self.type.startswith("Execution")


History = Sequence[Event]


def read_history(client: SFNClient, arn: ExecutionArn) -> History:
    """The newest events, newest first. Raises what botocore raises."""
    answer = client.get_execution_history(
        executionArn=str(arn), reverseOrder=True, includeExecutionData=False, maxResults=HISTORY_EVENTS
    )
    return [parse_event(item) for item in answer["events"]]


def parse_event(item: Mapping[str, Any]) -> Event:
    """One event of GetExecutionHistory's answer; its details are under a key named after its type."""
    details: Mapping[str, Any] = {}
    for key, value in item.items():
        if key.endswith("Details") and isinstance(value, Mapping):
            details = value
    return Event(
        id=item["id"],
        previous_id=item.get("previousEventId", 0),
        type=item["type"],
        time=item["timestamp"],
        name=details.get("name"),
        error=details.get("error"),
        cause=details.get("cause"),
        length=details.get("length"),
    )


def open_states(history: History) -> list[Event]:
    """Entered events of states that were not exited, the newest first."""
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
    """How many states were exited; estimated for events older than `history`."""
    older_events = history[-1].id - 1 if history else 0
    return sum(event.is_exited for event in history) + older_events // EVENTS_PER_STATE


class FailedState(NamedTuple):
    name: str
    ended_in: str | None = None  # the Fail state that then ended the execution


def failed_state(history: History, error: str | None) -> FailedState | None:
    """The state in which an execution that has ended failed with `error`; None if there is none.

    That is the state to which the last event leads back. If it is a Fail state, which passes on the error
    that was caught before, it is the state where this error arose. Only the newest events are looked at,
    those of one page, so that everybody who asks gets the same answer.
    """
    history = history[:HISTORY_EVENTS]
    if not history:
        return None
    last = next(_entered_before(history, history[0]), None)
    if last is None or last.name is None:
        return _failed_while_open(history)
    if last.type != "FailStateEntered":
        return FailedState(last.name)
    origin = next((event for event in history if event.is_failure and event.error is not None), None)
    if origin is not None and origin.error == error:
        before = next(_entered_before(history, origin), None)
        if before is not None and before.name is not None:
            return FailedState(before.name, ended_in=last.name)
    return FailedState(last.name)


def _failed_while_open(history: History) -> FailedState | None:
    """An aborted or timed-out execution ends without leading back: the state it was in."""
    newest = next((event.name for event in open_states(history)), None)
    return None if newest is None else FailedState(newest)


def _entered_before(history: History, event: Event) -> Iterator[Event]:
    """The entered events to which `event` leads back, itself included, the nearest first."""
    by_id = {item.id: item for item in history}
    current: Event | None = event
    while current is not None:
        if current.is_entered:
            yield current
        previous = by_id.get(current.previous_id)
        current = previous if previous is not None and previous.id < current.id else None

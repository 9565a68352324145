"""What a history tells: pure functions over the events of GetExecutionHistory.

They take the events in order (`reverseOrder=False`), as boto3 returns them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Event = Mapping[str, Any]

_ENTERED = "StateEntered"
_EXITED = "StateExited"
_FAILED = ("Failed", "TimedOut", "Aborted")


def entered_states(events: Iterable[Event]) -> list[str]:
    """The names of the states in the order in which they were entered, repetitions included.

    States inside Map and Parallel are among them, after the state that holds them.
    """
    return [_state_name(event) for event in events if event["type"].endswith(_ENTERED)]


def open_states(events: Iterable[Event]) -> list[str]:
    """The names of the states that were entered and not exited yet, the latest last.

    While an execution runs these are the states that it is in; in a failed one they
    are those that did not end. A retried state is entered once.
    """
    entered: list[str] = []
    for event in events:
        if event["type"].endswith(_ENTERED):
            entered.append(_state_name(event))
        elif (
            event["type"].endswith(_EXITED) and (name := event["stateExitedEventDetails"]["name"]) in entered
        ):
            entered.remove(name)
    return entered


def failed_state(events: Iterable[Event]) -> str | None:
    """The name of the state in which an execution failed, timed out or was stopped; None if none did.

    From the last event that tells a failure, `previousEventId` leads back to the state's entry; the
    end of the execution from outside (stopped, timed out) leads nowhere, so the latest open state counts.
    """
    ordered = list(events)
    failures = [event for event in ordered if event["type"].endswith(_FAILED)]
    if not failures:
        return None
    for event in _causes(ordered, failures[-1]):
        if event["type"].endswith(_ENTERED):
            return _state_name(event)
    still_open = open_states(ordered)
    return still_open[-1] if still_open else None


def _causes(events: Iterable[Event], event: Event) -> Iterator[Event]:
    by_id = {item["id"]: item for item in events}
    while (previous := by_id.get(event["previousEventId"])) is not None:
        yield previous
        event = previous


def _state_name(event: Event) -> str:
    name: str = event["stateEnteredEventDetails"]["name"]
    return name

"""Estimates the progress of an execution: its current state, and a percentage."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.history import History, HistoryEvent, open_states, passed_states, read_history
from stepline.core.limits import MAX_RUNNING_PERCENT, MAX_STATE_CHARACTERS
from stepline.core.text import printable

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_STATES_AT_50_PERCENT = 8
"""After this many states, 50 % are shown [ours]. The total is unknown."""


class Progress(NamedTuple):
    state: str | None = None
    percent: int = 0


def read_progress(client: SFNClient, arn: ExecutionArn) -> Progress:
    """Read the execution's history. Raise botocore's exceptions."""
    history = read_history(client, arn)
    return Progress(state=current_state(history), percent=percent_complete(passed_states(history)))


def percent_complete(passed: int) -> int:
    """Return a percentage that grows with the states passed, more and more slowly, to at most 99."""
    return min(100 * passed // (passed + _STATES_AT_50_PERCENT), MAX_RUNNING_PERCENT)


def current_state(history: History) -> str | None:
    """Return the newest state that was not exited; inside a Map or Parallel state with counts."""
    states = open_states(history)
    if not states:
        return None
    newest = states[0]
    outer = next((event for event in states if event.type.startswith(("Map", "Parallel"))), None)
    if outer is None:
        return _name(newest)
    counts = _map_counts(history, outer) if outer.type.startswith("Map") else ""
    inner = [event for event in states if event.id > outer.id]
    if outer.type.startswith("Parallel") and inner:
        counts = f" ({len(inner)} {'state' if len(inner) == 1 else 'states'} running)"
    return f"{_name(outer)}{counts}{f': {_name(newest)}' if inner else ''}"


def _map_counts(history: History, entered: HistoryEvent) -> str:
    since = [event for event in history if event.id > entered.id]
    done = sum(event.type == "MapIterationSucceeded" and event.name == entered.name for event in since)
    total = next((event.length for event in since if event.type == "MapStateStarted"), None)
    return "" if total is None else f" ({done} of {total} done)"


def _name(event: HistoryEvent) -> str:
    return printable(event.name or "", MAX_STATE_CHARACTERS)

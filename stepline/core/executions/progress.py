"""What the pipeline shows while the execution runs: state, time, link, percent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stepline.core.errors import cut, printable
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Execution
from stepline.core.executions.history import Event, History, open_states, passed_states, read_history
from stepline.core.limits import MAX_PERCENT_BEFORE_THE_END, MAX_STATE_CHARACTERS, MAX_SUMMARY_CHARACTERS

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_HALF_WAY_STATES = 8
"""After so many states half of the way is shown: how many there will be is not known."""


class Progress(NamedTuple):
    state: str | None = None
    percent: int = 0


def read_progress(client: SFNClient, arn: ExecutionArn) -> Progress:
    """Raises what botocore raises."""
    history = read_history(client, arn)
    return Progress(state=shown_state(history), percent=percent_complete(passed_states(history)))


def percent_complete(passed: int) -> int:
    """Grows with the states passed, ever more slowly, to 99 at most."""
    return min(100 * passed // (passed + _HALF_WAY_STATES), MAX_PERCENT_BEFORE_THE_END)


def shown_state(history: History) -> str | None:
    """The newest state that was entered and not left; inside a Map or Parallel with counts."""
    states = open_states(history)
    if not states:
        return None
    newest = states[0]
    around = next((event for event in states if event.type.startswith(("Map", "Parallel"))), None)
    if around is None:
        return _name(newest)
    counts = _map_counts(history, around) if around.type.startswith("Map") else ""
    inside = [event for event in states if event.id > around.id]
    if around.type.startswith("Parallel") and inside:
        counts = f" ({len(inside)} {'state' if len(inside) == 1 else 'states'} running)"
    return f"{_name(around)}{counts}{f': {_name(newest)}' if inside else ''}"


def _map_counts(history: History, entered: Event) -> str:
    since = [event for event in history if event.id > entered.id]
    done = sum(event.type == "MapIterationSucceeded" and event.name == entered.name for event in since)
    total = next((event.length for event in since if event.type == "MapStateStarted"), None)
    return "" if total is None else f" ({done} of {total} done)"


def _name(event: Event) -> str:
    return printable(event.name or "", MAX_STATE_CHARACTERS)


def running_summary(execution: Execution, progress: Progress, now: float) -> str:
    """Such as `Execute Change Set, running for 2 min 5 s. https://…`, at most 2,048 characters."""
    state = progress.state or "Running"
    seconds = max(int(now - execution.started.timestamp()), 0)
    how_long = f"{'' if progress.state is None else 'running '}for {duration(seconds)}"
    separator = " " if progress.state is None else ", "
    return with_link(f"{state}{separator}{how_long}.", execution.arn.link, MAX_SUMMARY_CHARACTERS)


def with_link(text: str, link: str, max_characters: int) -> str:
    """`text`, cut if need be, and the link, whole."""
    return f"{cut(text, max_characters - len(link) - 1)} {link}"


def duration(seconds: int) -> str:
    """Such as `45 s`, `2 min 5 s`, `3 h 10 min`."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

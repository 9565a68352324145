"""Describes the events of a history for a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stepline.aws.state_visits import VisitCollector
from stepline.core.executions.failure import readable_cause
from stepline.core.executions.history import HistoryEvent
from stepline.core.text import printable

MAX_DETAIL_CHARACTERS: Final = 300
"""Of the line that describes an event [ours]."""


@dataclass(frozen=True)
class ShownEvent:
    """An event; `state` is None outside of states. `visit` is the id of the state's entered event, or 0.

    `detail` is one line, empty if the type says all.
    """

    id: int
    previous_id: int
    type: str
    time: datetime
    state: str | None
    visit: int
    detail: str


@dataclass(frozen=True)
class EventPage:
    """Some of the `total` events of an execution, from `offset` on."""

    events: tuple[ShownEvent, ...]
    offset: int
    total: int


def show_events(
    events: Sequence[HistoryEvent],
    visits: VisitCollector,
    *,
    offset: int = 0,
    limit: int = 100,
    newest_first: bool = False,
) -> EventPage:
    """Return at most `limit` of the events, which are oldest first; `offset` counts from the first shown."""
    count = len(events)
    begin = min(max(offset, 0), count)
    end = min(begin + max(limit, 0), count)
    found = events[count - end : count - begin][::-1] if newest_first else events[begin:end]
    return EventPage(tuple(_shown(event, visits) for event in found), begin, count)


def _shown(event: HistoryEvent, visits: VisitCollector) -> ShownEvent:
    visit = None if event.type.startswith("Execution") else visits.visit_of(event.id)
    return ShownEvent(
        id=event.id,
        previous_id=event.previous_id,
        type=event.type,
        time=event.time,
        state=visit.name if visit else event.name,
        visit=visit.id if visit else 0,
        detail=printable(_detail(event), MAX_DETAIL_CHARACTERS),
    )


def _detail(event: HistoryEvent) -> str:
    if event.error or event.cause:
        return ": ".join(filter(None, (event.error, readable_cause(event.cause or ""))))
    if event.iteration is not None:
        return f"item {event.iteration}"
    if event.length is not None:
        return f"{event.length} item{'' if event.length == 1 else 's'}"
    return event.resource or event.map_run or ""

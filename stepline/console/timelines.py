"""Positions the visits of a state on the time line of an execution.

A state that is visited in a loop, or for each item of a Map, has one row. Visits of the same status that a
picture cannot separate become one mark, so that a row has a few hundred marks at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from stepline.aws.state_visits import StateVisit
from stepline.aws.statuses import VisitStatus

_PIXELS: Final = 250
"""Marks nearer than one of so many parts of the line are drawn as one [ours]."""

_FIRST_SPAN_SECONDS: Final = 10.0
_GROWTH: Final = 1.25
# The status that is drawn above others comes last.
_ORDER = (
    VisitStatus.SUCCEEDED,
    VisitStatus.RUNNING,
    VisitStatus.ABORTED,
    VisitStatus.CAUGHT,
    VisitStatus.TIMED_OUT,
    VisitStatus.FAILED,
)


@dataclass(frozen=True)
class Span:
    """The time that the line shows, in seconds from `begin`."""

    begin: datetime
    seconds: float

    @classmethod
    def of(cls, started: datetime, ended: datetime | None, now: datetime) -> Span:
        """Return the span of an execution. That of a running one grows in steps, not with each reading."""
        if ended is not None:
            return cls(started, max((ended - started).total_seconds(), 0.001))
        seconds, elapsed = _FIRST_SPAN_SECONDS, (now - started).total_seconds()
        while seconds < elapsed:
            seconds *= _GROWTH
        return cls(started, round(seconds, 3))

    def position(self, moment: datetime) -> float:
        return round(min(max((moment - self.begin).total_seconds(), 0.0), self.seconds), 3)


def marks(visits: Iterable[StateVisit], span: Span) -> list[dict[str, Any]]:
    """Return the marks of one row; a visit that has not ended lasts to the end of the span."""
    by_status: dict[VisitStatus, list[StateVisit]] = {}
    for visit in visits:
        by_status.setdefault(visit.status, []).append(visit)
    return [
        {"from": begin, "to": end, "status": status.value, "visits": count}
        for status in sorted(by_status, key=_ORDER.index)
        for begin, end, count in _merged(by_status[status], span)
    ]


def _merged(visits: Sequence[StateVisit], span: Span) -> list[tuple[float, float, int]]:
    """Return begin, end and number of visits; `visits` are in the order in which they were entered."""
    gap = span.seconds / _PIXELS
    found: list[tuple[float, float, int]] = []
    for visit in visits:
        begin = span.position(visit.entered)
        end = span.position(visit.exited) if visit.exited else span.seconds
        if found and begin - found[-1][1] < gap:
            first, last, count = found[-1]
            found[-1] = (first, max(last, end), count + 1)
        else:
            found.append((begin, end, 1))
    return found

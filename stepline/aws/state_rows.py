"""Joins the visits of each state of an execution, for lists in which a polling loop is one row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from stepline.aws.state_visits import StateVisit


@dataclass(frozen=True)
class StateRow:
    """All visits of one state: a polling loop is one row."""

    name: str
    depth: int
    visits: int
    duration: timedelta
    last: StateVisit


def list_state_rows(visits: Iterable[StateVisit], now: datetime) -> list[StateRow]:
    """Return the states in the order in which each was first entered."""
    rows: dict[tuple[int, str], StateRow] = {}
    for visit in visits:
        key = (visit.depth, visit.name)
        before = rows.get(key)
        total = visit.duration(now) + (before.duration if before else timedelta())
        rows[key] = StateRow(visit.name, visit.depth, before.visits + 1 if before else 1, total, visit)
    return list(rows.values())

"""Visits as marks on the time line of an execution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stepline.aws.state_visits import StateVisit
from stepline.aws.statuses import VisitStatus
from stepline.console.timelines import Span, marks

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def visit(begin: float, end: float | None, status: VisitStatus = VisitStatus.SUCCEEDED) -> StateVisit:
    return StateVisit(1, "S", 0, at(begin), at(end) if end is not None else None, status)


def test_span_of_an_ended_execution_is_its_duration() -> None:
    assert Span.of(BEGIN, at(90), at(1_000)).seconds == 90


@pytest.mark.parametrize(
    ("elapsed", "seconds"), [(0, 10), (10, 10), (10.1, 12.5), (12.5, 12.5), (60, 74.506)]
)
def test_span_of_a_running_execution_has_steps(elapsed: float, seconds: float) -> None:
    assert Span.of(BEGIN, None, at(elapsed)).seconds == seconds


def test_visit_that_has_not_ended_lasts_to_the_end() -> None:
    (mark,) = marks([visit(4, None, VisitStatus.RUNNING)], Span(BEGIN, 100))
    assert mark == {"from": 4, "to": 100, "status": "Running", "visits": 1}


def test_visits_apart_have_marks_of_their_own() -> None:
    found = marks([visit(0, 10), visit(20, 30)], Span(BEGIN, 100))
    assert [(each["from"], each["to"], each["visits"]) for each in found] == [(0, 10, 1), (20, 30, 1)]


def test_failed_visits_are_drawn_above_others() -> None:
    found = marks([visit(0, 50, VisitStatus.FAILED), visit(0, 50)], Span(BEGIN, 100))
    assert [each["status"] for each in found] == ["Succeeded", "Failed"]


def test_thousands_of_visits_have_few_marks() -> None:
    visits = [visit(number, number + 0.1) for number in range(10_000)]
    found = marks(visits, Span(BEGIN, 10_000))
    assert len(found) <= 250
    assert sum(each["visits"] for each in found) == 10_000

"""The line in which tasks wait, with real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from stepline.localaws.clock import SystemClock
from stepline.localaws.stepfunctions.threads import RealThreads, threads_for
from stepline.localaws.stepfunctions.turns import Turns
from tests.localaws.stepfunctions.test_workers import eventually

SECONDS_UNTIL_A_TEST_FAILS = 20.0
NEVER = 1e6


@pytest.fixture
def clock() -> Iterator[SystemClock]:
    clock = SystemClock()
    yield clock
    clock.close()


class Visitor:
    """A thread of an execution of its own that takes a turn and keeps it until told."""

    def __init__(self, clock: SystemClock, turns: Turns, order: list[str], name: str) -> None:
        self.threads = threads_for(clock, turns)
        assert isinstance(self.threads, RealThreads)
        self.arrived, self.leave, self.gone = threading.Event(), threading.Event(), threading.Event()
        self._order, self._name = order, name
        self.threads.start(self._run)

    def _run(self) -> None:
        try:
            with self.threads.turn():
                self._order.append(self._name)
                self.arrived.set()
                self.leave.wait(SECONDS_UNTIL_A_TEST_FAILS)
        finally:
            self.gone.set()


Visit = Callable[[str], Visitor]


@contextmanager
def visits(clock: SystemClock, turns: Turns, order: list[str]) -> Iterator[Visit]:
    """Visitors that come one after the other."""
    visitors: list[Visitor] = []

    def come(name: str) -> Visitor:
        waiting = len(turns._line)
        visitor = Visitor(clock, turns, order, name)
        visitors.append(visitor)
        assert eventually(lambda: visitor.arrived.is_set() or len(turns._line) == waiting + 1)
        return visitor

    yield come
    for visitor in visitors:
        visitor.leave.set()
        assert visitor.gone.wait(SECONDS_UNTIL_A_TEST_FAILS)


def test_so_many_at_a_time_and_in_order(clock: SystemClock) -> None:
    order: list[str] = []
    with visits(clock, Turns(width=1, patience_seconds=NEVER), order) as come:
        first, second, third = come("first"), come("second"), come("third")
        assert order == ["first"]
        first.leave.set()
        assert second.arrived.wait(SECONDS_UNTIL_A_TEST_FAILS)
        assert order == ["first", "second"]
        second.leave.set()
        assert third.arrived.wait(SECONDS_UNTIL_A_TEST_FAILS)
    assert order == ["first", "second", "third"]


def test_one_that_waits_for_another_in_line_does_not_wait_for_ever(clock: SystemClock) -> None:
    order: list[str] = []
    with visits(clock, Turns(width=1, patience_seconds=0.02), order) as come:
        come("first")
        assert come("second").arrived.wait(SECONDS_UNTIL_A_TEST_FAILS)
        assert come("third").arrived.wait(SECONDS_UNTIL_A_TEST_FAILS)
    assert order == ["first", "second", "third"]


def test_an_execution_that_is_stopped_leaves_the_line(clock: SystemClock) -> None:
    order: list[str] = []
    with visits(clock, Turns(width=1, patience_seconds=NEVER), order) as come:
        first, second, third = come("first"), come("second"), come("third")
        second.threads.cancel()
        assert second.gone.wait(SECONDS_UNTIL_A_TEST_FAILS)
        first.leave.set()
        assert third.arrived.wait(SECONDS_UNTIL_A_TEST_FAILS)
    assert order == ["first", "third"]

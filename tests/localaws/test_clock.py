"""The virtual clock and the system clock."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from stepline.localaws.clock import SystemClock, VirtualClock


def test_callbacks_run_when_due_in_order_of_scheduling() -> None:
    clock, seen = VirtualClock(), []
    clock.call_later(10, lambda: seen.append("later"))
    clock.call_later(5, lambda: seen.append("first of two"))
    clock.call_later(5, lambda: seen.append("second of two"))
    clock.advance(5)
    assert seen == ["first of two", "second of two"]
    clock.advance(5)
    assert seen == ["first of two", "second of two", "later"]


def test_callback_runs_at_its_due_time() -> None:
    clock = VirtualClock()
    start, seen = clock.now(), []
    clock.call_later(3600, lambda: seen.append(clock.now() - start))
    clock.run()
    assert seen == [timedelta(hours=1)]


def test_callback_scheduled_by_a_callback_runs() -> None:
    clock, seen = VirtualClock(), []

    def schedule_another() -> None:
        clock.call_later(1, lambda: seen.append(True))

    clock.call_later(1, schedule_another)
    clock.advance(2)
    assert seen == [True]


def test_cancelled_callback_does_not_run() -> None:
    clock, seen = VirtualClock(), []
    timer = clock.call_later(1, lambda: seen.append(True))
    timer.cancel()
    timer.cancel()
    clock.run()
    assert seen == []


def test_endless_rescheduling_raises_an_error() -> None:
    clock = VirtualClock()

    def again() -> None:
        clock.call_later(1, again)

    again()
    with pytest.raises(RuntimeError, match="still busy after 100 callbacks"):
        clock.run(max_steps=100)


def test_advance_ignores_cancelled_timers() -> None:
    clock = VirtualClock()
    called: list[str] = []
    clock.call_later(5, lambda: called.append("cancelled")).cancel()
    clock.call_later(20, lambda: called.append("later"))

    clock.advance(10)
    assert called == []
    clock.advance(10)
    assert called == ["later"]


def test_system_clock_continues_after_a_failing_callback() -> None:
    clock = SystemClock()
    done = threading.Event()

    def fail() -> None:
        raise ValueError("on purpose")

    try:
        clock.call_later(0, fail)
        clock.call_later(0.01, done.set)
        assert done.wait(5)
    finally:
        clock.close()


def test_closed_system_clock_has_no_thread_and_drops_callbacks() -> None:
    before = threading.active_count()
    clock = SystemClock()
    clock.call_later(3600, lambda: None)
    clock.close()
    assert threading.active_count() <= before  # a thread of an earlier test may just have ended

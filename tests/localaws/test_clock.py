"""Time that tests move, and time that passes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from stepline.localaws.clock import SystemClock, VirtualClock


def test_callbacks_run_when_they_are_due_in_the_order_they_were_asked_for() -> None:
    clock, seen = VirtualClock(), []
    clock.call_later(10, lambda: seen.append("later"))
    clock.call_later(5, lambda: seen.append("first of two"))
    clock.call_later(5, lambda: seen.append("second of two"))
    clock.advance(5)
    assert seen == ["first of two", "second of two"]
    clock.advance(5)
    assert seen == ["first of two", "second of two", "later"]


def test_a_callback_sees_the_time_it_is_due() -> None:
    clock = VirtualClock()
    start, seen = clock.now(), []
    clock.call_later(3600, lambda: seen.append(clock.now() - start))
    clock.run()
    assert seen == [timedelta(hours=1)]


def test_what_a_callback_asks_for_runs_too() -> None:
    clock, seen = VirtualClock(), []

    def ask_for_more() -> None:
        clock.call_later(1, lambda: seen.append(True))

    clock.call_later(1, ask_for_more)
    clock.advance(2)
    assert seen == [True]


def test_a_cancelled_callback_does_not_run() -> None:
    clock, seen = VirtualClock(), []
    timer = clock.call_later(1, lambda: seen.append(True))
    timer.cancel()
    timer.cancel()
    clock.run()
    assert seen == []


def test_running_without_end_is_noticed() -> None:
    clock = VirtualClock()

    def again() -> None:
        clock.call_later(1, again)

    again()
    with pytest.raises(RuntimeError, match="still busy after 100 callbacks"):
        clock.run(max_steps=100)


def test_advance_stops_at_its_end_although_an_earlier_timer_was_cancelled() -> None:
    clock = VirtualClock()
    called: list[str] = []
    clock.call_later(5, lambda: called.append("cancelled")).cancel()
    clock.call_later(20, lambda: called.append("later"))

    clock.advance(10)
    assert called == []
    clock.advance(10)
    assert called == ["later"]


def test_the_system_clock_calls_back_and_survives_a_failing_callback() -> None:
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


def test_a_closed_system_clock_has_no_thread_and_drops_what_waits() -> None:
    before = threading.active_count()
    clock = SystemClock()
    clock.call_later(3600, lambda: None)
    clock.close()
    assert threading.active_count() <= before  # a thread of an earlier test may just have ended

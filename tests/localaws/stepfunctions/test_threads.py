"""The threads of an execution, without an interpreter."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator

import pytest

from stepline.localaws.clock import SystemClock, VirtualClock
from stepline.localaws.stepfunctions.task_slots import TaskSlots
from stepline.localaws.stepfunctions.threads import (
    CancelledError,
    CooperativeThreads,
    Event,
    RealThreads,
    Thread,
    Threads,
    current_threads,
    threads_for,
)

SECONDS_UNTIL_A_TEST_FAILS = 20.0


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def cooperative(clock: VirtualClock) -> Iterator[Threads]:
    threads = threads_for(clock, TaskSlots())
    assert isinstance(threads, CooperativeThreads)
    yield threads
    threads.cancel()


@pytest.fixture
def real() -> Iterator[Threads]:
    clock = SystemClock()
    threads = threads_for(clock, TaskSlots())
    assert isinstance(threads, RealThreads)
    yield threads
    threads.cancel()
    clock.close()


def test_thread_runs_only_when_the_clock_moves(clock: VirtualClock, cooperative: Threads) -> None:
    ran: list[str] = []
    cooperative.start(lambda: ran.append("a"))
    assert ran == []
    clock.run()
    assert ran == ["a"]


def test_sleeping_threads_wake_in_order(clock: VirtualClock, cooperative: Threads) -> None:
    woken: list[tuple[str, float]] = []
    start = clock.now()

    def sleep(name: str, seconds: float) -> None:
        cooperative.sleep(seconds)
        woken.append((name, (cooperative.now() - start).total_seconds()))

    for name, seconds in (("slow", 3600.0), ("fast", 1.0), ("also fast", 1.0)):
        Thread(cooperative, sleep, (name, seconds)).start()
    clock.run()
    assert woken == [("fast", 1), ("also fast", 1), ("slow", 3600)]


def test_event_wakes_a_thread_that_waits_for_it(clock: VirtualClock, cooperative: Threads) -> None:
    event = Event(cooperative)
    order: list[object] = []
    cooperative.start(lambda: order.append(event.wait()))

    def set_event() -> None:
        order.append("set")
        event.set()

    cooperative.start(set_event)
    clock.run()
    assert order == ["set", True]
    event.clear()
    cooperative.start(lambda: order.append(event.wait(5)))
    clock.run()
    assert order[-1] is False


def test_event_that_is_set_outside_wakes_a_thread_when_the_clock_moves(
    clock: VirtualClock, cooperative: Threads
) -> None:
    event = Event(cooperative)
    order: list[object] = []
    cooperative.start(lambda: order.append(event.wait(60)))
    clock.advance(30)
    event.set()
    assert order == []
    clock.advance(0)
    assert order == [True]


def test_cancel_ends_waiting_threads_at_once(clock: VirtualClock, cooperative: Threads) -> None:
    ends: list[str] = []

    def wait() -> None:
        try:
            cooperative.sleep(3600)
        except CancelledError:
            ends.append("cancelled")
            raise

    cooperative.start(wait)
    clock.advance(1)
    cooperative.start(lambda: ends.append("never"))
    cooperative.cancel()
    assert ends == ["cancelled"]
    clock.run()
    assert ends == ["cancelled"]


def test_wait_outside_of_an_execution_is_an_error(cooperative: Threads) -> None:
    with pytest.raises(RuntimeError, match="only a thread of an execution"):
        cooperative.sleep(1)


@pytest.mark.parametrize("kind", ["cooperative", "real"])
def test_threads_inherit_context_variables_and_are_current(kind: str, request: pytest.FixtureRequest) -> None:
    threads: Threads = request.getfixturevalue(kind)
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("set")
    seen: list[object] = []
    done = threading.Event()

    def read() -> None:
        seen.extend([variable.get(), current_threads()])
        done.set()

    threads.start(read)
    if kind == "cooperative":
        request.getfixturevalue("clock").run()
    assert done.wait(SECONDS_UNTIL_A_TEST_FAILS)
    assert seen == ["set", threads]
    assert current_threads() is None


def test_real_threads_wait_for_each_other_and_are_cancelled(real: Threads) -> None:
    event = Event(real)
    seen: list[object] = []
    done = threading.Semaphore(0)

    def first() -> None:
        seen.append(event.wait(SECONDS_UNTIL_A_TEST_FAILS))
        done.release()

    def endless() -> None:
        try:
            real.sleep(9000)
        except CancelledError:
            seen.append("cancelled")
            done.release()

    real.start(first)
    event.set()
    assert done.acquire(timeout=SECONDS_UNTIL_A_TEST_FAILS)
    real.start(endless)
    real.cancel()
    assert done.acquire(timeout=SECONDS_UNTIL_A_TEST_FAILS)
    assert seen == [True, "cancelled"]


def test_failed_thread_does_not_stop_the_clock(
    clock: VirtualClock, cooperative: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError

    cooperative.start(fail)
    clock.run()
    assert "a thread of an execution failed" in caplog.text


def test_keyboard_interrupt_in_a_thread_is_raised_where_the_clock_moves(
    clock: VirtualClock, cooperative: Threads
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    cooperative.start(interrupt)
    with pytest.raises(KeyboardInterrupt):
        clock.run()

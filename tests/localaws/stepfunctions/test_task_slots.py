"""The slots that limit concurrent tasks, with real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from stepline.localaws.clock import SystemClock
from stepline.localaws.stepfunctions.task_slots import TaskSlots
from stepline.localaws.stepfunctions.threads import RealThreads, threads_for
from tests.waiting import wait_for

SECONDS_UNTIL_A_TEST_FAILS = 20.0
NEVER = 1e6


@pytest.fixture
def clock() -> Iterator[SystemClock]:
    clock = SystemClock()
    yield clock
    clock.close()


class Task:
    """A thread of an execution of its own that holds a slot until `end` is set."""

    def __init__(self, clock: SystemClock, slots: TaskSlots, order: list[str], name: str) -> None:
        self.threads = threads_for(clock, slots)
        assert isinstance(self.threads, RealThreads)
        self.started, self.end, self.ended = threading.Event(), threading.Event(), threading.Event()
        self._order, self._name = order, name
        self.threads.start(self._run)

    def _run(self) -> None:
        try:
            with self.threads.task_slot():
                self._order.append(self._name)
                self.started.set()
                self.end.wait(SECONDS_UNTIL_A_TEST_FAILS)
        finally:
            self.ended.set()


@contextmanager
def task_starter(clock: SystemClock, slots: TaskSlots, order: list[str]) -> Iterator[Callable[[str], Task]]:
    """Yield a function that starts a task and waits until it runs or is in the queue."""
    tasks: list[Task] = []

    def start(name: str) -> Task:
        queued = len(slots._queue)
        task = Task(clock, slots, order, name)
        tasks.append(task)
        wait_for(
            lambda: task.started.is_set() or len(slots._queue) == queued + 1,
            seconds=SECONDS_UNTIL_A_TEST_FAILS,
        )
        return task

    yield start
    for task in tasks:
        task.end.set()
        assert task.ended.wait(SECONDS_UNTIL_A_TEST_FAILS)


def test_tasks_get_slots_in_the_order_of_the_queue(clock: SystemClock) -> None:
    order: list[str] = []
    with task_starter(clock, TaskSlots(count=1, max_stall_seconds=NEVER), order) as start:
        first, second, third = start("first"), start("second"), start("third")
        assert order == ["first"]
        first.end.set()
        assert second.started.wait(SECONDS_UNTIL_A_TEST_FAILS)
        assert order == ["first", "second"]
        second.end.set()
        assert third.started.wait(SECONDS_UNTIL_A_TEST_FAILS)
    assert order == ["first", "second", "third"]


def test_task_starts_without_a_slot_when_none_ends(clock: SystemClock) -> None:
    """The task that holds the slot may wait for the one in the queue."""
    order: list[str] = []
    with task_starter(clock, TaskSlots(count=1, max_stall_seconds=0.02), order) as start:
        start("first")
        assert start("second").started.wait(SECONDS_UNTIL_A_TEST_FAILS)
        assert start("third").started.wait(SECONDS_UNTIL_A_TEST_FAILS)
    assert order == ["first", "second", "third"]


def test_cancelled_task_leaves_the_queue(clock: SystemClock) -> None:
    order: list[str] = []
    with task_starter(clock, TaskSlots(count=1, max_stall_seconds=NEVER), order) as start:
        first, second, third = start("first"), start("second"), start("third")
        second.threads.cancel()
        assert second.ended.wait(SECONDS_UNTIL_A_TEST_FAILS)
        first.end.set()
        assert third.started.wait(SECONDS_UNTIL_A_TEST_FAILS)
    assert order == ["first", "third"]

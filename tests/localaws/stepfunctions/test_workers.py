"""The operating system threads under the threads of executions."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from stepline.localaws.stepfunctions import workers

SECONDS_UNTIL_A_TEST_FAILS = 20.0


def test_a_thread_is_used_again() -> None:
    first = _run(threading.get_ident)
    assert all(_run(threading.get_ident) == first for _ in range(10))


def test_jobs_at_the_same_time_have_threads_of_their_own() -> None:
    meeting = threading.Barrier(3, timeout=SECONDS_UNTIL_A_TEST_FAILS)
    for _ in range(2):
        workers.run_on_a_thread(lambda: _meet(meeting))
    meeting.wait()


def test_only_some_threads_stay_when_there_is_nothing_to_do() -> None:
    count = workers._MAX_IDLE * 3
    meeting = threading.Barrier(count + 1, timeout=SECONDS_UNTIL_A_TEST_FAILS)
    threads: list[threading.Thread] = []

    def meet() -> None:
        threads.append(threading.current_thread())
        meeting.wait()

    for _ in range(count):
        workers.run_on_a_thread(meet)
    meeting.wait()
    assert eventually(lambda: sum(thread.is_alive() for thread in threads) <= workers._MAX_IDLE)


def test_a_child_process_has_threads_of_its_own() -> None:
    _run(threading.get_ident)
    child = os.fork()
    if child == 0:
        os._exit(0 if _run(lambda: 1) == 1 else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def eventually(condition: Callable[[], bool]) -> bool:
    """The condition, as soon as it holds."""
    give_up = time.monotonic() + SECONDS_UNTIL_A_TEST_FAILS
    while not condition() and time.monotonic() < give_up:
        os.sched_yield()
    return condition()


def _meet(meeting: threading.Barrier) -> None:
    meeting.wait()


def _run(work: Callable[[], int]) -> int:
    """The result of `work` on a worker, once the worker is idle again."""
    results: list[int] = []
    before = list(workers._idle)
    done = threading.Event()

    def job() -> None:
        results.append(work())
        done.set()

    workers.run_on_a_thread(job)
    assert done.wait(SECONDS_UNTIL_A_TEST_FAILS)
    assert eventually(lambda: len(workers._idle) >= max(1, len(before)))
    return results[0]

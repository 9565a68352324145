"""The pool of operating system threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from stepline.localaws.stepfunctions import workers
from tests.waiting import wait_for

SECONDS_UNTIL_A_TEST_FAILS = 20.0


def test_idle_thread_is_reused() -> None:
    first = _run(threading.get_ident)
    assert all(_run(threading.get_ident) == first for _ in range(10))


def test_concurrent_targets_run_on_different_threads() -> None:
    meeting = threading.Barrier(3, timeout=SECONDS_UNTIL_A_TEST_FAILS)

    def meet() -> None:
        meeting.wait()

    for _ in range(2):
        workers.run_on_thread(meet)
    meeting.wait()


def test_number_of_idle_threads_is_limited() -> None:
    count = workers._MAX_IDLE * 3
    meeting = threading.Barrier(count + 1, timeout=SECONDS_UNTIL_A_TEST_FAILS)
    threads: list[threading.Thread] = []

    def meet() -> None:
        threads.append(threading.current_thread())
        meeting.wait()

    for _ in range(count):
        workers.run_on_thread(meet)
    meeting.wait()
    wait_for(
        lambda: sum(thread.is_alive() for thread in threads) <= workers._MAX_IDLE,
        seconds=SECONDS_UNTIL_A_TEST_FAILS,
    )


def test_child_process_starts_new_threads() -> None:
    _run(threading.get_ident)
    child = os.fork()
    if child == 0:
        os._exit(0 if _run(lambda: 1) == 1 else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def _run(work: Callable[[], int]) -> int:
    """Return the result of `work` on a worker once the worker is idle again."""
    results: list[int] = []
    before = list(workers._idle)
    done = threading.Event()

    def target() -> None:
        results.append(work())
        done.set()

    workers.run_on_thread(target)
    assert done.wait(SECONDS_UNTIL_A_TEST_FAILS)
    wait_for(lambda: len(workers._idle) >= max(1, len(before)), seconds=SECONDS_UNTIL_A_TEST_FAILS)
    return results[0]

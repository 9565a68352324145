"""Waits for what another process or thread does, in tests that use the real clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(
    find: Callable[[], T | None],
    failure: Callable[[], object] = lambda: "the condition did not become true",
    *,
    seconds: float = 60.0,
    poll_seconds: float = 0.01,
) -> T:
    """Call `find` until its result is true, and return that.

    Raises AssertionError with the result of `failure` after `seconds`, which is far more than it takes.
    """
    deadline = time.monotonic() + seconds
    while not (result := find()):
        assert time.monotonic() < deadline, failure()
        time.sleep(poll_seconds)
    return result

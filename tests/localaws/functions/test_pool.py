"""How execution environments are assigned, with fake environments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from stepline.localaws.functions.execution_environment import ExecutionEnvironment
from stepline.localaws.functions.pool import Assignment, Pool
from stepline.localaws.functions.settings import MAX_ENVIRONMENTS, USUAL_ENVIRONMENTS

AT_ONCE, NEVER = 0.0, 1e9


@dataclass(eq=False)
class FakeEnvironment:
    ready: bool = True
    alive: bool = True
    idle_since: float = 0.0


def start(pool: Pool, assignment: Assignment, *, ready: bool = True) -> ExecutionEnvironment:
    """Start an environment, as an invocation does that is assigned None."""
    assert assignment.done()
    assert assignment.result() is None
    environment = cast(ExecutionEnvironment, FakeEnvironment(ready=ready))
    pool.add(environment)
    return environment


def busy_pool(*, stall_seconds: float = NEVER) -> tuple[Pool, list[ExecutionEnvironment]]:
    """Return a pool and its usual number of environments, which are all busy."""
    pool = Pool(stall_seconds=stall_seconds)
    return pool, [start(pool, pool.acquire()) for _ in range(USUAL_ENVIRONMENTS)]


def test_idle_environment_is_reused() -> None:
    pool = Pool(stall_seconds=NEVER)
    environment = start(pool, pool.acquire())
    pool.release(environment)
    assert pool.acquire().result() is environment
    assert pool.size == 1


def test_invocations_are_served_in_order() -> None:
    pool, busy = busy_pool()
    first, second = pool.acquire(), pool.acquire()
    pool.release(busy[0])
    assert first.result() is busy[0]
    assert not second.done()
    pool.release(busy[1])
    assert second.result() is busy[1]
    assert pool.size == USUAL_ENVIRONMENTS


def test_pool_does_not_grow_before_it_stalls() -> None:
    pool, _ = busy_pool(stall_seconds=NEVER)
    waiting = pool.acquire()
    pool.grow_if_stalled()
    assert not waiting.done()


def test_stalled_pool_starts_one_more_environment() -> None:
    pool, _ = busy_pool(stall_seconds=AT_ONCE)
    first, second = pool.acquire(), pool.acquire()
    pool.grow_if_stalled()
    assert first.done()
    assert not second.done()
    assert pool.size == USUAL_ENVIRONMENTS + 1


def test_stalled_pool_starts_one_environment_at_a_time() -> None:
    pool, _ = busy_pool(stall_seconds=AT_ONCE)
    first, second = pool.acquire(), pool.acquire()
    pool.grow_if_stalled()
    pool.grow_if_stalled()
    assert not second.done()
    loading = start(pool, first, ready=False)
    pool.grow_if_stalled()
    assert not second.done()
    cast(FakeEnvironment, loading).ready = True
    pool.grow_if_stalled()
    assert second.done()


def test_stalled_pool_does_not_grow_beyond_the_maximum() -> None:
    pool, busy = busy_pool(stall_seconds=AT_ONCE)
    while len(busy) < MAX_ENVIRONMENTS:
        assignment = pool.acquire()
        pool.grow_if_stalled()
        busy.append(start(pool, assignment))
    assignment = pool.acquire()
    pool.grow_if_stalled()
    assert not assignment.done()


def test_environment_that_ended_or_did_not_start_is_replaced() -> None:
    pool, busy = busy_pool()
    first, second = pool.acquire(), pool.acquire()
    pool.lose(busy[0])
    assert first.result() is None
    pool.lose()
    assert second.result() is None
    assert pool.size == USUAL_ENVIRONMENTS


def test_environment_that_ended_while_idle_is_not_assigned() -> None:
    pool = Pool(stall_seconds=NEVER)
    environment = start(pool, pool.acquire())
    pool.release(environment)
    cast(FakeEnvironment, environment).alive = False
    assert pool.remove_dead() == [environment]
    pool.lose(environment)
    assert pool.acquire().result() is None
    assert pool.size == 1


def test_closing_the_pool_fails_waiting_invocations() -> None:
    pool, _ = busy_pool()
    waiting = pool.acquire()
    pool.close(RuntimeError("stopping"))
    with pytest.raises(RuntimeError, match="stopping"):
        waiting.result()

"""Who gets which execution environment, with environments that are no processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from stepline.localaws.functions.environment import ExecutionEnvironment
from stepline.localaws.functions.pool import MAX_ENVIRONMENTS, USUAL_ENVIRONMENTS, Pool, Ticket

SOON, NEVER = 0.0, 1e9


@dataclass(eq=False)
class FakeEnvironment:
    ready: bool = True
    alive: bool = True
    idle_since: float = 0.0


def started(pool: Pool, ticket: Ticket, *, ready: bool = True) -> ExecutionEnvironment:
    """What the holder of the ticket starts."""
    assert ticket.done()
    assert ticket.result() is None
    environment = cast(ExecutionEnvironment, FakeEnvironment(ready=ready))
    pool.add(environment)
    return environment


def full(*, patience_seconds: float = NEVER) -> tuple[Pool, list[ExecutionEnvironment]]:
    """A pool whose usual environments are all busy."""
    pool = Pool(patience_seconds=patience_seconds)
    return pool, [started(pool, pool.take()) for _ in range(USUAL_ENVIRONMENTS)]


def test_a_free_environment_is_used_again() -> None:
    pool = Pool(patience_seconds=NEVER)
    environment = started(pool, pool.take())
    pool.give_back(environment)
    assert pool.take().result() is environment
    assert pool.size == 1


def test_who_came_first_is_served_first() -> None:
    pool, busy = full()
    first, second = pool.take(), pool.take()
    pool.give_back(busy[0])
    assert first.result() is busy[0]
    assert not second.done()
    pool.give_back(busy[1])
    assert second.result() is busy[1]
    assert pool.size == USUAL_ENVIRONMENTS


def test_environments_that_are_given_back_are_enough() -> None:
    pool, _ = full(patience_seconds=NEVER)
    waiting = pool.take()
    pool.grow_if_stuck()
    assert not waiting.done()


def test_environments_that_all_wait_get_another_one() -> None:
    pool, _ = full(patience_seconds=SOON)
    first, second = pool.take(), pool.take()
    pool.grow_if_stuck()
    assert first.done()
    assert not second.done()
    assert pool.size == USUAL_ENVIRONMENTS + 1


def test_one_that_is_starting_is_waited_for() -> None:
    pool, _ = full(patience_seconds=SOON)
    first, second = pool.take(), pool.take()
    pool.grow_if_stuck()
    pool.grow_if_stuck()
    assert not second.done()
    loading = started(pool, first, ready=False)
    pool.grow_if_stuck()
    assert not second.done()
    cast(FakeEnvironment, loading).ready = True
    pool.grow_if_stuck()
    assert second.done()


def test_there_is_an_end_to_it() -> None:
    pool, busy = full(patience_seconds=SOON)
    while len(busy) < MAX_ENVIRONMENTS:
        ticket = pool.take()
        pool.grow_if_stuck()
        busy.append(started(pool, ticket))
    ticket = pool.take()
    pool.grow_if_stuck()
    assert not ticket.done()


def test_one_that_died_or_did_not_start_is_replaced() -> None:
    pool, busy = full()
    first, second = pool.take(), pool.take()
    pool.lose(busy[0])
    assert first.result() is None
    pool.lose()
    assert second.result() is None
    assert pool.size == USUAL_ENVIRONMENTS


def test_one_that_died_while_it_was_idle_is_not_handed_out() -> None:
    pool = Pool(patience_seconds=NEVER)
    environment = started(pool, pool.take())
    pool.give_back(environment)
    cast(FakeEnvironment, environment).alive = False
    assert pool.take_dead() == [environment]
    pool.lose(environment)
    assert pool.take().result() is None
    assert pool.size == 1


def test_nobody_waits_for_a_pool_that_closes() -> None:
    pool, _ = full()
    waiting = pool.take()
    pool.close(RuntimeError("stopping"))
    with pytest.raises(RuntimeError, match="stopping"):
        waiting.result()

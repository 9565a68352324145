"""Who may send a request next, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from statemachines.process.sample_service.quota import LONGEST_RETRY_AFTER_SECONDS, Purpose, Quota
from tests.sample_service import virtual_time


def _quota(*, rate: float = 1, burst: int = 1) -> Quota:
    return Quota(requests_per_second=rate, burst=burst, jitter=lambda: 1.0)


async def _order(quota: Quota, purposes: list[Purpose]) -> list[tuple[float, Purpose]]:
    """When each was let go, all having come at once."""
    gone: list[tuple[float, Purpose]] = []

    async def one(purpose: Purpose) -> None:
        await quota.turn(purpose)
        gone.append((asyncio.get_running_loop().time(), purpose))

    await asyncio.gather(*map(one, purposes))
    return gone


def _run(scenario: Coroutine[Any, Any, None]) -> None:
    virtual_time.run(scenario)


def test_a_burst_goes_at_once_and_then_one_after_the_other() -> None:
    async def scenario() -> None:
        gone = await _order(_quota(rate=2, burst=3), [Purpose.START] * 6)
        assert [seconds for seconds, _ in gone] == pytest.approx([0, 0, 0, 0.5, 1, 1.5])

    _run(scenario())


def test_a_quota_that_nobody_used_saves_no_more_than_its_burst() -> None:
    async def scenario() -> None:
        quota = _quota(rate=1, burst=2)
        await asyncio.sleep(1000)
        gone = await _order(quota, [Purpose.STATE] * 4)
        assert [seconds for seconds, _ in gone] == pytest.approx([1000, 1000, 1001, 1002])

    _run(scenario())


def test_what_ends_a_wait_goes_first_and_looks_and_starts_take_turns() -> None:
    async def scenario() -> None:
        quota = _quota()
        await quota.turn(Purpose.START)
        start, state, data = Purpose.START, Purpose.STATE, Purpose.DATA
        gone = await _order(quota, [start, start, start, state, state, data])
        assert [purpose for _, purpose in gone] == [data, state, start, state, start, start]

    _run(scenario())


def test_who_gives_up_takes_nobody_s_turn() -> None:
    async def scenario() -> None:
        quota = _quota()
        await quota.turn(Purpose.START)
        leaving = asyncio.ensure_future(quota.turn(Purpose.START))
        staying = asyncio.ensure_future(quota.turn(Purpose.START))
        await asyncio.sleep(0.5)
        leaving.cancel()
        await staying
        assert asyncio.get_running_loop().time() == pytest.approx(1)
        assert quota.waiting == 0

    _run(scenario())


def test_who_was_refused_keeps_its_place() -> None:
    async def scenario() -> None:
        quota = _quota()
        await quota.turn(Purpose.START)
        later = asyncio.ensure_future(quota.turn(Purpose.START))
        await asyncio.sleep(0)
        quota.refused(None)
        await quota.turn(Purpose.START, again=True)
        assert not later.done()
        await later

    _run(scenario())


def test_pauses_become_longer_until_a_request_is_accepted() -> None:
    async def scenario() -> None:
        loop, quota = asyncio.get_running_loop(), _quota(rate=1000)
        pauses = []
        for _ in range(7):
            begin = loop.time()
            quota.refused(None)
            quota.refused(None)  # of the same moment: counts once
            await quota.turn(Purpose.STATE)
            pauses.append(loop.time() - begin)
        assert pauses == pytest.approx([1, 2, 4, 8, 16, 30, 30], abs=0.01)
        quota.accepted()
        begin = loop.time()
        quota.refused(None)
        await quota.turn(Purpose.STATE)
        assert loop.time() - begin == pytest.approx(1, abs=0.01)

    _run(scenario())


@pytest.mark.parametrize(("asked", "paused"), [(20, 20), (10**9, LONGEST_RETRY_AFTER_SECONDS), (0, 1)])
def test_retry_after_makes_a_pause_longer_within_reason(asked: float, paused: float) -> None:
    async def scenario() -> None:
        quota = _quota(rate=1000)
        quota.refused(asked)
        await quota.turn(Purpose.STATE)
        assert asyncio.get_running_loop().time() == pytest.approx(paused, abs=0.01)

    _run(scenario())

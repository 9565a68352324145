"""The order and the times of requests."""

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
    """Return when each of several simultaneous requests may be sent."""
    sent: list[tuple[float, Purpose]] = []

    async def one(purpose: Purpose) -> None:
        await quota.acquire(purpose)
        sent.append((asyncio.get_running_loop().time(), purpose))

    await asyncio.gather(*map(one, purposes))
    return sent


def _run(scenario: Coroutine[Any, Any, None]) -> None:
    virtual_time.run(scenario)


def test_burst_is_sent_at_once_and_the_rest_at_the_rate() -> None:
    async def scenario() -> None:
        sent = await _order(_quota(rate=2, burst=3), [Purpose.START] * 6)
        assert [seconds for seconds, _ in sent] == pytest.approx([0, 0, 0, 0.5, 1, 1.5])

    _run(scenario())


def test_unused_quota_is_limited_to_the_burst() -> None:
    async def scenario() -> None:
        quota = _quota(rate=1, burst=2)
        await asyncio.sleep(1000)
        sent = await _order(quota, [Purpose.STATE] * 4)
        assert [seconds for seconds, _ in sent] == pytest.approx([1000, 1000, 1001, 1002])

    _run(scenario())


def test_data_goes_first_and_state_and_start_alternate() -> None:
    async def scenario() -> None:
        quota = _quota()
        await quota.acquire(Purpose.START)
        start, state, data = Purpose.START, Purpose.STATE, Purpose.DATA
        sent = await _order(quota, [start, start, start, state, state, data])
        assert [purpose for _, purpose in sent] == [data, state, start, state, start, start]

    _run(scenario())


def test_cancelled_request_takes_no_token() -> None:
    async def scenario() -> None:
        quota = _quota()
        await quota.acquire(Purpose.START)
        leaving = asyncio.ensure_future(quota.acquire(Purpose.START))
        staying = asyncio.ensure_future(quota.acquire(Purpose.START))
        await asyncio.sleep(0.5)
        leaving.cancel()
        await staying
        assert asyncio.get_running_loop().time() == pytest.approx(1)
        assert not any(quota._queues.values())

    _run(scenario())


def test_throttled_request_goes_before_the_others() -> None:
    async def scenario() -> None:
        quota = _quota()
        await quota.acquire(Purpose.START)
        later = asyncio.ensure_future(quota.acquire(Purpose.START))
        await asyncio.sleep(0)
        quota.report_throttled(None)
        await quota.acquire(Purpose.START, again=True)
        assert not later.done()
        await later

    _run(scenario())


def test_pauses_grow_until_a_request_is_accepted() -> None:
    async def scenario() -> None:
        loop, quota = asyncio.get_running_loop(), _quota(rate=1000)
        pauses = []
        for _ in range(7):
            start = loop.time()
            quota.report_throttled(None)
            quota.report_throttled(None)  # at the same time: counts once
            await quota.acquire(Purpose.STATE)
            pauses.append(loop.time() - start)
        assert pauses == pytest.approx([1, 2, 4, 8, 16, 30, 30], abs=0.01)
        quota.report_accepted()
        start = loop.time()
        quota.report_throttled(None)
        await quota.acquire(Purpose.STATE)
        assert loop.time() - start == pytest.approx(1, abs=0.01)

    _run(scenario())


@pytest.mark.parametrize(("retry_after", "paused"), [(20, 20), (10**9, LONGEST_RETRY_AFTER_SECONDS), (0, 1)])
def test_retry_after_extends_a_pause_up_to_a_limit(retry_after: float, paused: float) -> None:
    async def scenario() -> None:
        quota = _quota(rate=1000)
        quota.report_throttled(retry_after)
        await quota.acquire(Purpose.STATE)
        assert asyncio.get_running_loop().time() == pytest.approx(paused, abs=0.01)

    _run(scenario())

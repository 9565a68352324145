"""500 callers at once, within the usage plan of 5 requests per second with a burst of 10."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import httpx
import pytest

from tests.sample_service import virtual_time
from tests.sample_service.service import Service, facade, service

CALLERS = 500


async def _all_at_once(running: Service, callers: int) -> list[tuple[float, httpx.Response]]:
    """Return the time and the response for each caller."""

    async def one(number: int) -> tuple[float, httpx.Response]:
        response = await running.p1({"caller": number})
        return asyncio.get_running_loop().time(), response

    return await asyncio.gather(*(one(number) for number in range(callers)))


def test_all_callers_get_their_own_data_as_fast_as_the_quota_allows() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=10)) as running:
            responses = await _all_at_once(running, CALLERS)
            assert {response.status_code for _, response in responses} == {200}
            callers = [response.json()["data"]["processInput"]["caller"] for _, response in responses]
            assert callers == list(range(CALLERS))
            assert running.facade.requests["429"] == 0
            # Each needs at least a start, a state and a data request: (3 * 500 - 8) / 5 per second = 298.4 s.
            assert 298.4 <= max(seconds for seconds, _ in responses) < 1.1 * 298.4
            # The first caller gets its response while others have not started.
            assert min(seconds for seconds, _ in responses) < 15

    virtual_time.run(scenario())


def test_all_processes_are_polled_equally_often() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=200), timeout_seconds=3600) as running:
            await _all_at_once(running, 100)
            gaps = [
                later - earlier
                for process in running.facade.processes.values()
                for earlier, later in pairwise(process.polls)
                if later < 200  # after that, processes have ended
            ]
            # 100 callers share 5 requests a second, and wait 2 s between polls.
            assert max(gaps) <= 100 / 5 + 2 + 1
            assert running.facade.requests["429"] == 0

    virtual_time.run(scenario())


def test_single_caller_is_not_delayed() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=10), poll_seconds=2) as running:
            ((seconds, _),) = await _all_at_once(running, 1)
            assert seconds == pytest.approx(10)

    virtual_time.run(scenario())


def test_callers_get_a_504_after_the_time_out() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=10), timeout_seconds=60) as running:
            responses = [response for _, response in await _all_at_once(running, CALLERS)]
            late = [response.json() for response in responses if response.status_code == 504]
            assert len(late) + sum(response.status_code == 200 for response in responses) == CALLERS
            assert 0 < len(late) < CALLERS
            reported = {document["transactionId"] for document in late if "transactionId" in document}
            answered = {response.json()["transactionId"] for response in responses if response.is_success}
            assert reported | answered == set(running.facade.processes), "the id of a process is lost"

    virtual_time.run(scenario())


@pytest.mark.parametrize("response_seconds", [0.0, 3.0])
def test_throttling_delays_callers_and_fails_none(response_seconds: float) -> None:
    async def scenario() -> None:
        fake = facade(rate=2, burst=1, seconds=10, response_seconds=response_seconds)
        async with service(fake, timeout_seconds=3600) as running:
            responses = await _all_at_once(running, 30)
            assert {response.status_code for _, response in responses} == {200}
            assert len(running.facade.processes) == 30, "a throttled start is not a second start"
            assert 0 < running.facade.requests["429"] < 200

    virtual_time.run(scenario())


def test_caller_above_the_maximum_is_rejected() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=10), max_waiting=20) as running:
            responses = [response for _, response in await _all_at_once(running, 21)]
            assert [response.status_code for response in responses].count(200) == 20
            (refused,) = (response for response in responses if response.status_code == 503)
            assert refused.headers["retry-after"] == "30"
            assert refused.json() == {
                "error": "TooManyWaitingError",
                "message": "20 callers are waiting already",
            }
            assert len(running.facade.processes) == 20
            assert (await running.p1({})).status_code == 200, "another caller is accepted later"

    virtual_time.run(scenario())


def test_health_counts_waiting_callers() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=10)) as running:
            crowd = asyncio.ensure_future(_all_at_once(running, 30))
            await asyncio.sleep(1.1)
            health = await running.client.get("/health")
            # 8 at once and 5 in the second since.
            assert health.json() == {"status": "ok", "waiting": 30, "running": 13}
            await crowd
            health = await running.client.get("/health")
            assert health.json() == {"status": "ok", "waiting": 0, "running": 0}

    virtual_time.run(scenario())

"""Callers that close their connection, and a service that is stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from tests.sample_service import virtual_time
from tests.sample_service.service import Service, facade, service

Message = MutableMapping[str, Any]


async def _post_and_leave(running: Service, *, after_seconds: float) -> list[Message]:
    """What the service sends to a caller that closes its connection."""
    sent: list[Message] = []
    messages = iter([{"type": "http.request", "body": json.dumps({}).encode(), "more_body": False}])

    async def receive() -> Message:
        message = next(messages, None)
        if message is None:
            await asyncio.sleep(after_seconds)
            return {"type": "http.disconnect"}
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/p1", "raw_path": b"/p1", "query_string": b"", "headers": [], "server": ("s", 80),
    }  # fmt: skip
    await running.app(scope, receive, send)
    return sent


def test_nothing_more_is_asked_for_a_caller_that_left() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=100)) as running:
            await _post_and_leave(running, after_seconds=5)
            assert asyncio.get_running_loop().time() == pytest.approx(5)
            assert running.room.waiting == 0
            looks = running.facade.requests["/process-state"]
            await asyncio.sleep(200)
            assert running.facade.requests["/process-state"] == looks

    virtual_time.run(scenario())


def test_nothing_is_started_for_a_caller_that_left_before_its_turn() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=1), burst=1, requests_per_second=0.1) as running:
            first = asyncio.ensure_future(running.p1({}))
            await asyncio.sleep(0.1)
            await _post_and_leave(running, after_seconds=5)
            assert (await first).status_code == 200
            assert len(running.facade.processes) == 1

    virtual_time.run(scenario())


def test_a_caller_that_leaves_within_its_request() -> None:
    async def scenario() -> None:
        async with service() as running:

            async def receive() -> Message:
                return {"type": "http.disconnect"}

            async def send(_message: Message) -> None:
                pass

            scope = {"type": "http", "method": "POST", "path": "/p1", "query_string": b"", "headers": []}
            await running.app(scope, receive, send)
            assert running.facade.requests.total() == 0

    virtual_time.run(scenario())


def test_who_waits_is_told_the_id_when_the_service_stops() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=100, answer_seconds=1)) as running:
            crowd = asyncio.gather(*(running.p1({"caller": number}) for number in range(30)))
            await asyncio.sleep(1.5)  # some have been started, some are being started, some wait
            running.room.stop()
            answers = await crowd
            assert asyncio.get_running_loop().time() < 3
            assert {answer.status_code for answer in answers} == {503}
            told = {answer.json()["transactionId"] for answer in answers if "location" in answer.headers}
            assert told == set(running.facade.processes)
            assert 0 < len(told) < 30
            unstarted = [answer.json() for answer in answers if "location" not in answer.headers]
            assert {document["error"] for document in unstarted} == {"NotStartedError"}

    virtual_time.run(scenario())


def test_a_service_that_stops_takes_nobody_in() -> None:
    async def scenario() -> None:
        async with service() as running:
            running.room.stop()
            assert (await running.p1({})).status_code == 503
            assert (await running.client.get("/health")).status_code == 503
            assert running.facade.requests.total() == 0

    virtual_time.run(scenario())

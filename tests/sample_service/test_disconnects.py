"""Callers that close their connection, and a service that stops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from tests.sample_service import virtual_time
from tests.sample_service.service import Service, facade, service

Message = MutableMapping[str, Any]


async def _post_and_disconnect(running: Service, *, after_seconds: float) -> list[Message]:
    """Return what the service sends to a caller that closes its connection."""
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


def test_polling_stops_after_a_disconnect() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=100)) as running:
            await _post_and_disconnect(running, after_seconds=5)
            assert asyncio.get_running_loop().time() == pytest.approx(5)
            assert running.waiter.waiting == 0
            polls = running.facade.requests["/process-state"]
            await asyncio.sleep(200)
            assert running.facade.requests["/process-state"] == polls

    virtual_time.run(scenario())


def test_process_is_not_started_after_a_disconnect() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=1), burst=1, requests_per_second=0.1) as running:
            first = asyncio.ensure_future(running.p1({}))
            await asyncio.sleep(0.1)
            await _post_and_disconnect(running, after_seconds=5)
            assert (await first).status_code == 200
            assert len(running.facade.processes) == 1

    virtual_time.run(scenario())


def test_disconnect_during_the_request_sends_nothing_to_the_api() -> None:
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


def test_waiting_callers_get_the_id_when_the_service_stops() -> None:
    async def scenario() -> None:
        async with service(facade(seconds=100, response_seconds=1)) as running:
            crowd = asyncio.gather(*(running.p1({"caller": number}) for number in range(30)))
            await asyncio.sleep(1.5)  # some have been started, some are being started, some wait
            running.waiter.stop()
            responses = await crowd
            assert asyncio.get_running_loop().time() < 3
            assert {response.status_code for response in responses} == {503}
            reported = {
                response.json()["transactionId"] for response in responses if "location" in response.headers
            }
            assert reported == set(running.facade.processes)
            assert 0 < len(reported) < 30
            unstarted = [response.json() for response in responses if "location" not in response.headers]
            assert {document["error"] for document in unstarted} == {"NotStartedError"}

    virtual_time.run(scenario())


def test_stopping_service_rejects_callers() -> None:
    async def scenario() -> None:
        async with service() as running:
            running.waiter.stop()
            assert (await running.p1({})).status_code == 503
            assert (await running.client.get("/health")).status_code == 503
            assert running.facade.requests.total() == 0

    virtual_time.run(scenario())

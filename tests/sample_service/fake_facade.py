"""A fake REST API of the process, with a usage plan as in API Gateway.

`python -m tests.sample_service.fake_facade PORT RATE BURST SECONDS` serves it, for benchmarks.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

API_KEY = "sample-key-of-the-fake-facade"

Intervention = Callable[[Request], Response | None]
"""Responds to a request instead of the facade, or returns None."""


@dataclass
class Process:
    process_input: dict[str, Any]
    ends_at: float
    started_at: float
    polls: list[float] = field(default_factory=list)


@dataclass
class UsagePlan:
    """API Gateway's token bucket, in the event loop's time."""

    requests_per_second: float
    burst: int
    tokens: float = 0.0
    counted_at: float = -1e9

    def accepts(self) -> bool:
        now = asyncio.get_running_loop().time()
        self.tokens = min(self.burst, self.tokens + (now - self.counted_at) * self.requests_per_second)
        self.counted_at = now
        # Sums of fractions are not exact.
        if self.tokens < 1 - 1e-6:
            return False
        self.tokens -= 1
        return True


@dataclass
class FakeFacade:
    plan: UsagePlan
    process_seconds: float
    outcome: Callable[[dict[str, Any]], dict[str, str]] = lambda _: {"status": "SUCCEEDED"}
    """Returns `status`, `error` and `cause` of an ended process, from its input."""
    intervention: Intervention = lambda _: None
    response_seconds: float = 0.0
    processes: dict[str, Process] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    """By path, and `429` for throttled ones."""

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/start-process", self._throttled(self._start), methods=["POST"]),
                Route("/process-state", self._throttled(self._state)),
                Route("/process-data", self._throttled(self._data)),
                Route("/counts", self._counts),
            ]
        )

    def _throttled(self, respond: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def throttle(request: Request) -> Response:
            if request.headers.get("x-api-key") != API_KEY:
                return JSONResponse({"message": "Forbidden"}, 403)
            if not self.plan.accepts():
                self.requests["429"] += 1
                return JSONResponse({"message": "Too Many Requests"}, 429)
            self.requests[request.url.path] += 1
            if self.response_seconds:
                await asyncio.sleep(self.response_seconds)
            instead = self.intervention(request)
            response: Response = instead or await respond(request)
            return response

        return throttle

    async def _start(self, request: Request) -> Response:
        now = asyncio.get_running_loop().time()
        identifier = str(uuid.uuid4())
        process_input = (await request.json())["processInput"]
        self.processes[identifier] = Process(process_input, now + self.process_seconds, now)
        return JSONResponse({"transactionId": identifier})

    async def _state(self, request: Request) -> Response:
        identifier = request.query_params["transactionId"]
        if identifier not in self.processes:
            return _unknown()
        process, now = self.processes[identifier], asyncio.get_running_loop().time()
        process.polls.append(now)
        running = now < process.ends_at
        state = {"status": "RUNNING"} if running else self.outcome(process.process_input)
        return JSONResponse({"transactionId": identifier} | state)

    async def _data(self, request: Request) -> Response:
        process = self.processes.get(request.query_params["transactionId"])
        if process is None:
            return _unknown()
        return JSONResponse({"processInput": process.process_input, "stepA": {"done": True}})

    async def _counts(self, _request: Request) -> Response:
        return JSONResponse(dict(self.requests))


def _unknown() -> Response:
    return JSONResponse({"error": "UnknownTransactionError", "message": "no such transaction"}, 404)


def main(port: str, rate: str, burst: str, seconds: str) -> None:
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.backlog = 1024
    facade = FakeFacade(UsagePlan(float(rate), int(burst)), float(seconds))
    asyncio.run(serve(facade.app, config))  # type: ignore[arg-type]  # it types the scopes narrower than Starlette


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The service with the fake facade in one event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette

from statemachines.process.sample_service.serving import application
from statemachines.process.sample_service.settings import Settings
from statemachines.process.sample_service.waiter import Waiter
from tests.sample_service.fake_facade import API_KEY, FakeFacade, UsagePlan


@dataclass(frozen=True)
class Service:
    client: httpx.AsyncClient
    app: Starlette
    facade: FakeFacade

    @property
    def waiter(self) -> Waiter:
        waiter: Waiter = self.app.state.waiter
        return waiter

    async def p1(self, document: Any) -> httpx.Response:
        return await self.client.post("/p1", json=document)


def facade(*, rate: float = 5, burst: int = 10, seconds: float = 10, **arguments: Any) -> FakeFacade:
    return FakeFacade(UsagePlan(rate, burst), seconds, **arguments)


@asynccontextmanager
async def service(fake: FakeFacade | None = None, **settings: Any) -> AsyncIterator[Service]:
    fake = fake or facade()
    transport = settings.pop("transport", None) or httpx.ASGITransport(fake.app)
    chosen = Settings(**{"process_url": "http://facade/prod", "api_key": API_KEY} | settings)
    app = application(chosen, jitter=lambda: 1.0, transport=_Stage(transport))
    async with app.router.lifespan_context(app):
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://s", timeout=None
        )
        async with client:
            yield Service(client, app, fake)


class _Stage(httpx.AsyncBaseTransport):
    """Removes the stage from the path, as API Gateway does."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raw = request.url.raw_path.decode()
        assert raw.startswith("/prod/")
        request.url = request.url.copy_with(raw_path=raw.removeprefix("/prod").encode())
        return await self._inner.handle_async_request(request)

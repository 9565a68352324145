"""Serves the application on a port until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NoReturn, cast

import httpx
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import Framework
from starlette.applications import Starlette

from statemachines.process.sample_service.app import create_app
from statemachines.process.sample_service.process_api import (
    READ_TIMEOUT_SECONDS,
    ProcessApi,
    http_client,
)
from statemachines.process.sample_service.quota import Quota
from statemachines.process.sample_service.settings import Settings
from statemachines.process.sample_service.waiter import Waiter
from stepline.core.errors import SettingsError
from stepline.core.limits import KIB

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C: 128 plus the number of the signal."""
BACKLOG: Final = 1024
"""Connections that wait to be accepted: many callers may connect at once."""
RECEIVE_BUFFER_BYTES: Final = 16 * KIB
"""Of each connection [ours]. asyncio reads as much at once, before the limits of `bodies` apply."""


def application(
    settings: Settings,
    *,
    jitter: Callable[[], float] = random.random,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """Create the ASGI application. `transport` replaces the network in tests."""

    @asynccontextmanager
    async def start_up() -> AsyncIterator[Waiter]:
        quota = Quota(requests_per_second=settings.requests_per_second, burst=settings.burst, jitter=jitter)
        async with http_client(settings.process_url, settings.api_key, transport=transport) as http:
            yield Waiter(
                ProcessApi(http, quota, jitter=jitter),
                timeout_seconds=settings.timeout_seconds,
                poll_seconds=settings.poll_seconds,
                max_waiting=settings.max_waiting,
            )

    return create_app(start_up)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; connections wait until `run` serves them. Raises SettingsError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"port {port} is in use: choose another with --port") from error
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    return listening


async def run(settings: Settings, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM.

    Waiting callers then get a 503 with their transaction id. Starts that have been sent are awaited, so that
    their ids are known; a second signal ends the service at once.
    """
    app = application(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    async def stopped() -> None:
        await stop.wait()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _end_now)
        app.state.waiter.stop()

    await serve(cast(Framework, app), _config(listening), shutdown_trigger=stopped)


def _end_now() -> NoReturn:
    os._exit(INTERRUPTED)  # an exception would be logged for each waiting caller


def _config(listening: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.backlog = BACKLOG
    config.graceful_timeout = READ_TIMEOUT_SECONDS + 5
    config.accesslog = None
    config.errorlog = "-"
    config.loglevel = "WARNING"
    config.include_server_header = False
    return config

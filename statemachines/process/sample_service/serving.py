"""Serves the application on a port until it is told to stop."""

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
from statemachines.process.sample_service.errors import SettingsError
from statemachines.process.sample_service.process_api import ANSWER_SECONDS, ProcessApi, http_client
from statemachines.process.sample_service.quota import Quota
from statemachines.process.sample_service.settings import Settings
from statemachines.process.sample_service.waiting import WaitingRoom

INTERRUPTED: Final = 130
"""Exit code of a program that Ctrl-C has ended: 128 and the signal's number."""
BACKLOG: Final = 1024
"""Connections that the kernel keeps until they are accepted: a crowd may come at once."""


def application(
    settings: Settings,
    *,
    jitter: Callable[[], float] = random.random,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """The application for `settings`, for any ASGI server. `transport` stands in for the network."""

    @asynccontextmanager
    async def start_up() -> AsyncIterator[WaitingRoom]:
        quota = Quota(requests_per_second=settings.requests_per_second, burst=settings.burst, jitter=jitter)
        async with http_client(settings.process_url, settings.api_key, transport=transport) as http:
            yield WaitingRoom(
                ProcessApi(http, quota, jitter=jitter),
                timeout_seconds=settings.timeout_seconds,
                poll_seconds=settings.poll_seconds,
                max_waiting=settings.max_waiting,
            )

    return create_app(start_up)


def listen(host: str, port: int) -> socket.socket:
    """A socket to serve on; who connects from now on is answered as soon as `run` serves.

    Raises SettingsError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"port {port} is in use: choose another with --port") from error
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error


async def run(settings: Settings, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM.

    Then callers that wait are answered 503 with their transaction id. What is being started at
    that moment is waited for, so that its id is known; a second signal ends that wait, too.
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
        app.state.waiting_room.stop()

    await serve(cast(Framework, app), _config(listening), shutdown_trigger=stopped)


def _end_now() -> NoReturn:
    os._exit(INTERRUPTED)  # an exception would be told as one of every caller that is still waited for


def _config(listening: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.backlog = BACKLOG
    config.graceful_timeout = ANSWER_SECONDS + 5
    config.accesslog = None
    config.errorlog = "-"
    config.loglevel = "WARNING"
    config.include_server_header = False
    return config

"""Serves the console on the loopback interface."""

from __future__ import annotations

import asyncio
import errno
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from hypercorn.asyncio import serve as serve_asgi
from hypercorn.config import Config
from hypercorn.typing import Framework

from stepline.aws.target import Target
from stepline.console.application import create_application
from stepline.console.aws_calls import count_calls
from stepline.console.pages import Console
from stepline.core.errors import UsageError
from stepline.core.local_aws import HOST

_TOKEN_BYTES: Final = 32
_GRACE_SECONDS: Final = 0.2
"""For open streams, which never end by themselves."""


def listen(port: int) -> socket.socket:
    """Listen on that port of the loopback interface. Raises UsageError if the port is in use."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise UsageError(f"port {port} is in use: choose another with --port") from error


def serve(
    target: Target,
    listener: socket.socket,
    *,
    allows_actions: bool,
    on_ready: Callable[[str], None],
    until: Callable[[], Awaitable[None]],
) -> None:
    """Serve on a socket that listens, until `until` returns; `on_ready` gets the address."""
    count_calls(target)
    port = listener.getsockname()[1]
    console = Console(target, allows_actions, secrets.token_urlsafe(_TOKEN_BYTES))
    application = create_application(console, port)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "ERROR"
    config.graceful_timeout = config.shutdown_timeout = _GRACE_SECONDS

    async def run() -> None:
        on_ready(f"http://{HOST}:{port}/")
        await serve_asgi(cast("Framework", application), config, shutdown_trigger=cast("Any", until))

    asyncio.run(run())


async def interrupted() -> None:
    """Return at Ctrl-C, or when the process is asked to end."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()

"""Serves the console's pages of executions that run on the local Step Functions of a test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import quote

from hypercorn.asyncio import serve as serve_asgi
from hypercorn.config import Config
from hypercorn.typing import Framework
from starlette.testclient import TestClient

from stepline.console.application import create_application
from stepline.console.pages import Console
from tests.aws.fakes import target_of
from tests.localaws.stepfunctions.world import World

PORT = 4600
_SECONDS = 20.0


def console_of(world: World, **clients: Any) -> Console:
    """Return a console of the world's executions, in its time; `clients` are those of other services."""
    return Console(target_of(stepfunctions=world.client, **clients), False, "token", world.clock.now)


def client_of(world: World, **clients: Any) -> TestClient:
    return TestClient(
        create_application(console_of(world, **clients), PORT), base_url=f"http://127.0.0.1:{PORT}"
    )


def address(arn: str, rest: str = "") -> str:
    return f"/executions/{quote(arn, safe=':-_.~')}{rest}"


@contextlib.contextmanager
def served(console: Console) -> Iterator[str]:
    """Serve the console on a free port until the end of the block; yield its address without the last `/`."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "ERROR"
    config.graceful_timeout = config.shutdown_timeout = 0.1
    loop, end = asyncio.new_event_loop(), asyncio.Event()
    application = cast("Framework", create_application(console, port))

    async def wait() -> None:
        await end.wait()

    def run() -> None:
        loop.run_until_complete(serve_asgi(application, config, shutdown_trigger=cast("Any", wait)))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(_SECONDS)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        threading.Event().wait(0.05)
    raise TimeoutError(f"nothing listens on port {port}")

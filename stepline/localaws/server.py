"""The local AWS: every service behind one port of the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import resource
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config as HypercornConfig

from stepline.core.errors import UsageError
from stepline.core.local_aws import ACCOUNT_ID, HEALTH_PATH, HOST
from stepline.localaws.emulators.ministack import application
from stepline.localaws.iam import Record

PERMISSIONS_PATH = "/_stepline/permissions"
_GIT_PATH = "/v1/repos/"
_OPEN_FILES = 65_536
_KEEP_ALIVE_SECONDS = 20  # hypercorn holds on to what the client has closed until then, too

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def run(*, port: int, directory: Path, region: str) -> None:
    """Serve until SIGINT or SIGTERM, and leave no process and no file of ours below `directory`."""
    _allow_many_files()
    endpoint_url = f"http://{HOST}:{port}"
    emulator = application.load(port=port, directory=directory, region=region, account_id=ACCOUNT_ID)
    from stepline.localaws import wiring  # noqa: PLC0415 - imports ministack, which must be loaded first

    with contextlib.ExitStack() as stack:
        stack.callback(application.close)
        settings = wiring.ServerSettings(endpoint_url, directory, ACCOUNT_ID, region)
        platform, services = wiring.start(settings, stack)
        app = _front(
            emulator,
            services.codecommit.git_app,
            health={"pid": os.getpid(), "port": port, "region": region},
            permissions=platform.enforcement.record,
        )
        try:
            asyncio.run(_serve(app, port, at_end=stack.close))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise UsageError(f"port {port} is in use: choose another with --port") from error


def _allow_many_files() -> None:
    """Fifty pipelines at once need 1,000 open files: four for each function that runs, one a connection.

    Shells start programs with a limit of 1,024, or of 256 on macOS, which the program itself may raise.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _front(emulator: App, git: App, *, health: dict[str, Any], permissions: Record) -> App:
    """git's requests go straight to git: they may be larger than memory. All others go to the emulator."""
    ready = json.dumps({"status": "ready", "version": version("stepline"), **health}).encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(_GIT_PATH):
            await git(scope, receive, send)
        elif scope["type"] == "http" and path == HEALTH_PATH:
            await _send_json(send, ready)
        elif scope["type"] == "http" and path == PERMISSIONS_PATH:
            await _send_json(send, _permissions(permissions, scope["method"]))
        else:
            await emulator(scope, receive, send)

    return app


def _permissions(record: Record, method: str) -> bytes:
    """Which permissions were used and which were lacking so far; DELETE begins anew."""
    answer = record.to_json()
    if method == "DELETE":
        record.forget()
    return json.dumps(answer).encode()


async def _send_json(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _serve(app: App, port: int, *, at_end: Callable[[], None]) -> None:
    config = HypercornConfig()
    config.bind = [f"{HOST}:{port}"]
    config.loglevel = "ERROR"
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    config.graceful_timeout = 1
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    async def stopped() -> None:
        await stop.wait()
        # Before the requests are waited for: they may wait for functions, which this ends. On a thread of
        # its own, as the requests may use all of the pool, and what ends may need one more answer.
        with ThreadPoolExecutor(max_workers=1) as executor:
            await loop.run_in_executor(executor, at_end)

    await serve(app, config, shutdown_trigger=stopped)  # type: ignore[arg-type]

"""The local AWS: every service behind one port of the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import json
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config as HypercornConfig

from stepline.core.errors import UsageError
from stepline.core.local_aws import ACCOUNT_ID, GIT_PATH, HEALTH_PATH, HOST
from stepline.localaws.emulators.ministack import application
from stepline.localaws.http.asgi import App, Receive, Scope, Send, send_body, start_response
from stepline.localaws.http.browser_protection import AllowedPages, protect
from stepline.localaws.http.request_limits import limit_requests
from stepline.localaws.iam import PermissionRecord

PERMISSIONS_PATH = "/_stepline/permissions"
_MAX_OPEN_FILES = 65_536
_GARBAGE_THRESHOLDS = (10_000, 20, 20)  # Python's own are 700, 10 and 10
_KEEP_ALIVE_SECONDS = 20  # hypercorn keeps connections that the client has closed until then, too


def run(*, port: int, directory: Path, region: str, allowed: AllowedPages) -> None:
    """Serve until SIGINT or SIGTERM, then end all processes and remove all files below `directory`.

    No web page can use it, except those that are `allowed`. Raises UsageError if the port is in use.
    """
    gc.disable()
    _allow_many_files()
    endpoint_url = f"http://{HOST}:{port}"
    ministack = application.load(port=port, directory=directory, region=region, account_id=ACCOUNT_ID)
    from stepline.localaws import wiring  # noqa: PLC0415 - imports ministack, which must be loaded first

    with contextlib.ExitStack() as stack:
        stack.callback(application.close)
        settings = wiring.ServerSettings(endpoint_url, directory, ACCOUNT_ID, region)
        platform, services = wiring.start(settings, stack)
        _collect_garbage_rarely()
        app = create_app(
            ministack,
            services.codecommit.git_app,
            health={"pid": os.getpid(), "port": port, "region": region},
            permissions=platform.enforcement.record,
        )
        try:
            asyncio.run(_serve(protect(limit_requests(app), allowed), port, on_stop=stack.close))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise UsageError(f"port {port} is in use: choose another with --port") from error


def _collect_garbage_rarely() -> None:
    """Exempt the modules and models that are loaded: searching them took a fifth of the time."""
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    gc.enable()


def _allow_many_files() -> None:
    """Raise the limit of open files, which is 1,024 in most shells, and 256 on macOS.

    Fifty concurrent pipelines need 1,000: four for each running function, one for each connection.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def create_app(ministack: App, git: App, *, health: dict[str, Any], permissions: PermissionRecord) -> App:
    """Route git's requests, which may be larger than memory, to git, and most others to ministack."""
    ready = json.dumps({"status": "ready", "version": version("stepline"), **health}).encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(GIT_PATH):
            await git(scope, receive, send)
        elif scope["type"] == "http" and path == HEALTH_PATH:
            await _send_json(send, ready)
        elif scope["type"] == "http" and path == PERMISSIONS_PATH:
            await _send_json(send, _read_permissions(permissions, scope["method"]))
        else:
            await ministack(scope, receive, send)

    return app


def _read_permissions(record: PermissionRecord, method: str) -> bytes:
    """Return which permissions were used and which were missing so far; DELETE clears the record."""
    response = record.to_json()
    if method == "DELETE":
        record.clear()
    return json.dumps(response).encode()


async def _send_json(send: Send, body: bytes) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    await start_response(send, 200, headers)
    await send_body(send, body, more=False)


async def _serve(app: App, port: int, *, on_stop: Callable[[], None]) -> None:
    config = HypercornConfig()
    config.bind = [f"{HOST}:{port}"]
    config.loglevel = "ERROR"
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    config.graceful_timeout = 1
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    async def wait_for_stop() -> None:
        await stop.wait()
        # Before hypercorn waits for requests: they may wait for functions, which this ends. On a thread of
        # its own, as requests may use the whole pool, and services that close may send one more.
        with ThreadPoolExecutor(max_workers=1) as executor:
            await loop.run_in_executor(executor, on_stop)

    await serve(app, config, shutdown_trigger=wait_for_stop)

"""CodeCommit under hypercorn, the server that the local AWS runs on."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from stepline.localaws.clock import Clock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.events import AwsEvent

WAIT_SECONDS = 20


class Events:
    """An `EventSink` that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.all: list[AwsEvent] = []
        self._arrived = threading.Condition()

    def __call__(self, event: AwsEvent) -> None:
        with self._arrived:
            self.all.append(event)
            self._arrived.notify_all()

    def wait_for(self, count: int) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.all) >= count, WAIT_SECONDS)

    def details(self) -> list[dict[str, Any]]:
        return [dict(event.detail) for event in self.all]

    def summary(self) -> list[tuple[str, str]]:
        return [(detail["event"], detail["referenceFullName"]) for detail in self.details()]


@dataclass(frozen=True)
class Served:
    service: CodeCommit
    base_url: str
    port: int

    def url(self, repository_name: str) -> str:
        return f"{self.base_url}/v1/repos/{repository_name}"


@contextmanager
def serve(directory: Path, clock: Clock, events: Events) -> Iterator[Served]:
    """The socket listens before the thread starts: the port is known, and clients can connect at once."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = listener.getsockname()[1]
    service = CodeCommit(directory, clock=clock, events=events, base_url=f"http://127.0.0.1:{port}")
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = 0.1
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        app: Any = service.git_app
        loop.run_until_complete(hypercorn_serve(app, config, shutdown_trigger=stop.wait, mode="asgi"))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield Served(service, f"http://127.0.0.1:{port}", port)
    finally:
        service.close()
        loop.call_soon_threadsafe(stop.set)
        thread.join(WAIT_SECONDS)
        loop.close()

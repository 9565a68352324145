"""Serves CodeCommit with hypercorn, as the local AWS does."""

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
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent

WAIT_SECONDS = 20


class EventLog:
    """An `EventSink` that records the events, and fails if `fail` is set."""

    def __init__(self) -> None:
        self.all: list[AwsEvent] = []
        self.arrived = threading.Condition()
        self.fail = False

    def __call__(self, event: AwsEvent) -> None:
        if self.fail:
            raise RuntimeError("raised by the test")
        with self.arrived:
            self.all.append(event)
            self.arrived.notify_all()

    def of(self, repository_name: str) -> Events:
        return Events(self, repository_name)


@dataclass(frozen=True)
class Events:
    """The events of one repository."""

    log: EventLog
    repository_name: str

    @property
    def all(self) -> list[AwsEvent]:
        return [event for event in self.log.all if event.detail["repositoryName"] == self.repository_name]

    def details(self) -> list[dict[str, Any]]:
        return [dict(event.detail) for event in self.all]

    def summary(self) -> list[tuple[str, str]]:
        return [(detail["event"], detail["referenceFullName"]) for detail in self.details()]

    def wait_for(self, count: int) -> None:
        with self.log.arrived:
            assert self.log.arrived.wait_for(lambda: len(self.all) >= count, WAIT_SECONDS)


@dataclass(frozen=True)
class Repo:
    name: str
    repository_id: str
    url: str
    events: Events


@dataclass(frozen=True)
class Served:
    service: CodeCommit
    base_url: str
    port: int
    directory: Path
    events: EventLog

    def url(self, repository_name: str) -> str:
        return f"{self.base_url}/v1/repos/{repository_name}"

    def repository_path(self, repository_id: str) -> Path:
        return self.directory / "repositories" / repository_id


@contextmanager
def serve(directory: Path, clock: Clock) -> Iterator[Served]:
    """Serve CodeCommit on a free port. The socket listens before clients know the port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = listener.getsockname()[1]
    base_url = f"http://127.0.0.1:{port}"
    events = EventLog()
    service = CodeCommit(Context(clock, events), directory=directory, base_url=base_url)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = 0.1
    config.loglevel = "ERROR"
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    app: Any = service.git_app

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(hypercorn_serve(app, config, shutdown_trigger=stop.wait, mode="asgi"))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield Served(service, base_url, port, directory, events)
    finally:
        service.close()
        loop.call_soon_threadsafe(stop.set)
        thread.join(WAIT_SECONDS)
        loop.close()

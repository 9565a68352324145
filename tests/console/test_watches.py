"""A document is read once for all who look at it, and only while somebody does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from stepline.console.aws_calls import Pace
from stepline.console.pages import Document, Read
from stepline.console.watches import Watch, Watches


class FakeClock:
    """Waiting takes no time, but the clock goes on."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    async def wait(self, event: asyncio.Event, until: float) -> None:
        if not event.is_set():
            self.now = max(self.now, until)


class Source:
    """A document whose `number` the test changes."""

    def __init__(self) -> None:
        self.number = 0
        self.is_live = True
        self.opened = 0
        self.read = 0
        self.error: Exception | None = None

    def open(self) -> Read:
        self.opened += 1
        return self._read

    def _read(self) -> Document:
        self.read += 1
        if self.error:
            raise self.error
        return {"title": "A", "isLive": self.is_live, "number": self.number}


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def watch(source: Source, clock: FakeClock) -> Watch:
    return Watch(source.open, Pace(1.0, None), str, clock)


def run(function: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await function()

    return asyncio.run(main())


def test_two_that_look_at_once_share_one_reading(watch: Watch, source: Source) -> None:
    async def look() -> None:
        first, second = await asyncio.gather(watch.latest(), watch.latest())
        assert first == second

    run(look)
    assert source.read == 1


def test_reading_is_repeated_when_it_is_due(watch: Watch, source: Source, clock: FakeClock) -> None:
    async def look() -> list[str]:
        versions = [(await watch.latest()).version]
        source.number = 1
        versions.append((await watch.latest()).version)
        clock.now += 1.0
        versions.append((await watch.latest()).version)
        return versions

    first, second, third = run(look)
    assert first == second != third


def test_document_that_nobody_looks_at_is_not_read(watch: Watch, source: Source, clock: FakeClock) -> None:
    async def look() -> None:
        stream = watch.readings()
        await anext(stream)
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        clock.now += 3600

    run(look)
    assert source.read == 2


def test_failed_reading_shows_the_document_before_and_the_reason(
    watch: Watch, source: Source, clock: FakeClock
) -> None:
    async def look() -> None:
        before = await watch.latest()
        clock.now += 1
        source.error = RuntimeError("throttled")
        after = await watch.latest()
        assert (after.document, after.version, after.failure) == (
            before.document,
            before.version,
            "throttled",
        )
        clock.now += 1
        source.error = None
        assert (await watch.latest()).failure == ""

    run(look)


def test_first_reading_that_fails_is_an_error(watch: Watch, source: Source) -> None:
    source.error = RuntimeError("denied")
    with pytest.raises(RuntimeError, match="denied"):
        run(watch.latest)


def test_refresh_reads_anew_at_once(watch: Watch, source: Source) -> None:
    async def look() -> None:
        await watch.latest()
        watch.refresh()
        await watch.latest()

    run(look)
    assert (source.opened, source.read) == (2, 2)


def test_refresh_wakes_those_that_wait() -> None:
    source = Source()
    source.is_live = False  # the next reading would be in a minute

    async def look() -> None:
        watch = Watch(source.open, Pace(1.0, None), str)
        stream = watch.readings()
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        watch.refresh()
        await asyncio.wait_for(waiting, timeout=30)

    run(look)
    assert source.read == 2


def test_secrets_are_hidden_in_every_document() -> None:
    def read() -> Document:
        return {
            "title": "A",
            "isLive": True,
            "output": {"password": "p"},
            "cause": "key AKIAIOSFODNN7EXAMPLE",
        }

    document = run(Watch(lambda: read, Pace(1.0, None), str).latest).document
    assert document == {
        "title": "A",
        "isLive": True,
        "output": {"password": "(hidden)"},
        "cause": "key (hidden)",
    }


def test_oldest_document_is_forgotten() -> None:
    watches, created = Watches(), []

    def create() -> Watch:
        created.append(1)
        return Watch(Source().open, Pace(1.0, None), str)

    for number in range(65):
        watches.find(number, create)
    watches.find(64, create)
    assert len(created) == 65
    watches.find(0, create)
    assert len(created) == 66

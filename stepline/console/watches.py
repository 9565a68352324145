"""Reads the documents of open pages: once for all browsers that show one, and only while a browser does.

Secrets in them are hidden here, whatever the page, so that none forgets it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from stepline.aws.redaction import redact_json
from stepline.console.aws_calls import CallBudget, Pace, counted
from stepline.console.pages import Document, Read

_MAX_WATCHES: Final = 64
"""Documents that are kept [ours]; the one that was opened the longest ago is forgotten."""


@dataclass(frozen=True)
class Reading:
    """A document, and how many requests its page has sent in the last minute.

    `version` changes with the document. `failure` says why the document could not be read again.
    """

    document: Document
    version: str
    calls: int
    failure: str = ""


class Clock(Protocol):
    """Times are seconds from any moment."""

    def time(self) -> float: ...

    async def wait(self, event: asyncio.Event, until: float) -> None:
        """Return when the event is set, or at that time."""


class LoopClock:
    """The clock of the event loop."""

    def time(self) -> float:
        return asyncio.get_running_loop().time()

    async def wait(self, event: asyncio.Event, until: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await event.wait()


class Watch:
    """One document that is read again and again."""

    def __init__(
        self,
        open_: Callable[[], Read],
        pace: Pace,
        explain: Callable[[Exception], str],
        clock: Clock | None = None,
    ) -> None:
        self._open = open_
        self._explain = explain
        self._clock = clock or LoopClock()
        self._read: Read | None = None
        self._budget = CallBudget(pace)
        self._lock = asyncio.Lock()
        self._latest: Reading | None = None
        self._due = 0.0
        self._refreshed = asyncio.Event()

    async def latest(self) -> Reading:
        """Return the document; read it if it may have changed. Raises what the first reading raises."""
        async with self._lock:
            if self._latest is None or self._clock.time() >= self._due:
                self._latest = await self._read_again()
            return self._latest

    async def readings(self) -> AsyncIterator[Reading]:
        """Yield each reading from now on, whether the document has changed or not."""
        while True:
            yield await self.latest()
            await self._clock.wait(self._refreshed, self._due)

    def refresh(self) -> None:
        """Read everything anew, at once."""
        self._read, self._due = None, 0.0
        self._refreshed.set()
        self._refreshed = asyncio.Event()

    async def _read_again(self) -> Reading:
        try:
            document, calls = await asyncio.to_thread(counted, self._read_document)
        except Exception as error:
            if self._latest is None:
                raise
            self._budget.add(self._clock.time(), 1)
            document, failure = self._latest.document, self._explain(error)
        else:
            failure = ""
            self._budget.add(self._clock.time(), calls)
        now = self._clock.time()
        self._due = self._budget.next_reading(now, is_live=document["isLive"])
        return Reading(document, _version(document), self._budget.in_last_minute(now), failure)

    def _read_document(self) -> Document:
        read = self._read or self._open()
        document: Document = redact_json(read())
        self._read = read
        return document


class Watches:
    """The documents that were opened last, so that a page and its updates read through one Watch."""

    def __init__(self) -> None:
        self._watches: OrderedDict[Hashable, Watch] = OrderedDict()

    def find(self, key: Hashable, create: Callable[[], Watch]) -> Watch:
        """Return the watch of that page, or a new one."""
        watch = self._watches.pop(key, None) or create()
        self._watches[key] = watch
        if len(self._watches) > _MAX_WATCHES:
            self._watches.popitem(last=False)
        return watch

    def refresh(self) -> None:
        """Read everything anew, after an act of the user."""
        for watch in self._watches.values():
            watch.refresh()


def _version(document: Document) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]

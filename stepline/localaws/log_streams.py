"""Writes a program's output as events of a CloudWatch Logs stream, one event for each line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from stepline.localaws.groups import grouped

LOG_FLUSH_SECONDS = 0.2
"""A program's output is written to its log after at most this time [ours]."""

LOG_EVENT_OVERHEAD_BYTES = 26
"""What CloudWatch Logs adds to the size of each event [PutLogEvents, API reference]."""

MAX_LOG_EVENT_BYTES = 262_144 - LOG_EVENT_OVERHEAD_BYTES
"""One event: 256 KiB with the overhead [PutLogEvents, API reference]."""

MAX_LOG_CALL_BYTES = 1_048_576
"""All events of one call, with the overhead of each [PutLogEvents, API reference]."""

MAX_LOG_CALL_EVENTS = 10_000
"""The events of one call [PutLogEvents, API reference]."""


@dataclass(frozen=True)
class Line:
    """`time_ms`: milliseconds since 1970."""

    time_ms: int
    text: str


PutLines = Callable[[list[Line]], None]


def group_in_calls(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Return as many lines at a time as CloudWatch Logs accepts in one call."""
    return grouped(lines, _event_bytes, max_items=MAX_LOG_CALL_EVENTS, max_bytes=MAX_LOG_CALL_BYTES)


def _event_bytes(line: Line) -> int:
    return len(line.text.encode()) + LOG_EVENT_OVERHEAD_BYTES


class LineLog:
    """Splits output into lines and calls `put` with as many of them as CloudWatch Logs accepts in a call."""

    def __init__(self, put: PutLines, now: Callable[[], float] = time.time) -> None:
        self._put = put
        self._now = now
        self._incomplete = b""
        self._lines: list[Line] = []

    def write(self, data: bytes) -> None:
        *lines, self._incomplete = (self._incomplete + data).split(b"\n")
        for line in lines:
            self._add(line)
        while len(self._incomplete) >= MAX_LOG_EVENT_BYTES:
            self._add(self._incomplete[:MAX_LOG_EVENT_BYTES])
            self._incomplete = self._incomplete[MAX_LOG_EVENT_BYTES:]

    def write_event(self, text: str) -> None:
        """Add an event of its own, which may have several lines, after completing the line before it."""
        if self._incomplete:
            self.write(b"\n")
        self._add(text.encode())

    def flush(self) -> None:
        """Put all complete lines."""
        lines, self._lines = self._lines, []
        for call in group_in_calls(lines):
            self._put(call)

    def close(self) -> None:
        """Put all lines, including an incomplete one."""
        self._add(self._incomplete)
        self._incomplete = b""
        self.flush()

    def _add(self, line: bytes) -> None:
        """Add a line, a long one as several events. CloudWatch Logs rejects empty ones: they are left out."""
        for start in range(0, len(line), MAX_LOG_EVENT_BYTES):
            text = line[start : start + MAX_LOG_EVENT_BYTES].decode(errors="replace").rstrip("\r")
            if text:
                self._lines.append(Line(int(self._now() * 1000), text))

"""What a program writes, as events of a CloudWatch Logs stream: one per line."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MAX_EVENT_BYTES = 262_118
"""Of one event: 256 KiB with the 26 bytes that each counts for [PutLogEvents, API reference]."""

MAX_CALL_BYTES = 1_048_576
"""Of all events of a call, each with 26 bytes more [PutLogEvents, API reference]."""

MAX_CALL_EVENTS = 10_000
_EVENT_OVERHEAD_BYTES = 26


@dataclass(frozen=True)
class Line:
    """`time_ms`: milliseconds since 1970."""

    time_ms: int
    text: str


PutLines = Callable[[list[Line]], None]


class LineLog:
    """Takes bytes as they come, and hands on lines, in calls that CloudWatch Logs accepts."""

    def __init__(self, put: PutLines, now: Callable[[], float] = time.time) -> None:
        self._put = put
        self._now = now
        self._rest = b""
        self._lines: list[Line] = []

    def write(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)
        while len(self._rest) >= MAX_EVENT_BYTES:
            self._take(self._rest[:MAX_EVENT_BYTES])
            self._rest = self._rest[MAX_EVENT_BYTES:]

    def flush(self) -> None:
        """Hand on what is complete."""
        lines, self._lines = self._lines, []
        call: list[Line] = []
        size = 0
        for line in lines:
            line_size = len(line.text.encode()) + _EVENT_OVERHEAD_BYTES
            if call and (size + line_size > MAX_CALL_BYTES or len(call) == MAX_CALL_EVENTS):
                self._put(call)
                call, size = [], 0
            call.append(line)
            size += line_size
        if call:
            self._put(call)

    def close(self) -> None:
        """Hand on what is left, too."""
        self._take(self._rest)
        self._rest = b""
        self.flush()

    def _take(self, line: bytes) -> None:
        """Empty lines are no events: CloudWatch Logs refuses them."""
        for start in range(0, len(line), MAX_EVENT_BYTES):
            text = line[start : start + MAX_EVENT_BYTES].decode(errors="replace").rstrip("\r")
            if text:
                self._lines.append(Line(int(self._now() * 1000), text))

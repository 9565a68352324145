"""Turns SIGINT, SIGTERM and SIGHUP into an exception that a block of code can defer."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ENDED_BY_SIGNAL = 128  # a shell reports 128 + n for a program that signal n has ended


class Interrupted(KeyboardInterrupt):
    """The user pressed Ctrl-C, closed the terminal, or stopped the command."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = _ENDED_BY_SIGNAL + number


class Interruptions:
    """While entered, SIGINT, SIGTERM and SIGHUP raise `Interrupted` in the main thread.

    Within `deferred()` they are raised at its end: it protects starting a process together with recording
    that it was started, and stopping it.
    """

    def __init__(self) -> None:
        self._deferrals = 0
        self._pending: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        self._deferrals += 1
        try:
            yield
        finally:
            self._deferrals -= 1
        if not self._deferrals and self._pending is not None:
            number, self._pending = self._pending, None
            raise Interrupted(number)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._deferrals:
            self._pending = number
        else:
            raise Interrupted(number)

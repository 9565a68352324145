"""Ctrl-C and its relatives as an exception that never comes in the middle of something delicate."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_BY_SIGNAL = 128  # a shell reports a program that ended by signal n as 128 + n


class Interrupted(KeyboardInterrupt):
    """The user pressed Ctrl-C, closed the terminal, or stopped the command."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = _BY_SIGNAL + number


class Interruptions:
    """While entered, SIGINT, SIGTERM and SIGHUP raise `Interrupted` in the main thread.

    Within `held()` they wait: starting a process together with noting that it was started,
    and stopping it, are not torn apart.
    """

    def __init__(self) -> None:
        self._holds = 0
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
    def held(self) -> Iterator[None]:
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if not self._holds and self._pending is not None:
            number, self._pending = self._pending, None
            raise Interrupted(number)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._holds:
            self._pending = number
        else:
            raise Interrupted(number)

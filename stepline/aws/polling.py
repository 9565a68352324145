"""How often to ask, and for how long; the only place where the command line sleeps between questions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from stepline.core.aws_errors import is_transient

Answer = TypeVar("Answer")

LOCAL_POLL_SECONDS = 0.4
AWS_POLL_SECONDS = 3.0  # three or four calls each time: far below any of AWS's rates
_MAX_CONSECUTIVE_FAILURES = 5  # botocore has retried each of them already


class TimeoutPassedError(Exception):
    """`--timeout` passed before what was waited for came."""


@dataclass(frozen=True)
class Polling:
    poll_seconds: float
    timeout_seconds: float | None = None
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def rounds(self) -> Iterator[int]:
        """0 at once, then 1, 2 …, `poll_seconds` apart, until TimeoutPassedError if there is a time-out."""
        start = self.monotonic()
        number = 0
        while True:
            yield number
            number += 1
            if self.timeout_seconds is not None and self.monotonic() - start >= self.timeout_seconds:
                raise TimeoutPassedError
            self.sleep(self.poll_seconds)

    def read(self, read: Callable[[], Answer]) -> Answer:
        """What `read` answers; a throttle or a lost connection is waited out a few times."""
        failures = 0
        for _ in self.rounds():
            try:
                return read()
            except (ClientError, BotoCoreError) as error:
                failures += 1
                if failures >= _MAX_CONSECUTIVE_FAILURES or not is_transient(error):
                    raise
        raise AssertionError("rounds never end by themselves")


def new_polling(*, is_local: bool, timeout_seconds: float | None = None) -> Polling:
    """The polling for an AWS; tests replace this."""
    return Polling(LOCAL_POLL_SECONDS if is_local else AWS_POLL_SECONDS, timeout_seconds)

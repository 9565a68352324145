"""Polls AWS: how often, for how long, and how transient errors are retried."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from stepline.core.aws_errors import is_transient
from stepline.core.durations import format_duration
from stepline.core.errors import SteplineError, TransientAwsError

Result = TypeVar("Result")

LOCAL_POLL_SECONDS = 0.4
AWS_POLL_SECONDS = 3.0  # three or four calls each time: far below AWS's rate limits
LOCAL_START_SECONDS = 60.0  # from a push to the execution; usually less than one second
AWS_START_SECONDS = 180.0  # usually some seconds; about a minute if the pipeline polls its source
_MAX_CONSECUTIVE_FAILURES = 5  # botocore has retried each of them already


class TimeoutPassedError(SteplineError):
    """The time-out passed before the wait was over."""


@dataclass(frozen=True)
class Poller:
    """Polls every `poll_seconds`, for at most `timeout_seconds` if that is given.

    `start_seconds` is how long to wait until a push has started an execution.
    """

    poll_seconds: float
    timeout_seconds: float | None = None
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    start_seconds: float = LOCAL_START_SECONDS

    def until(self, check: Callable[[], Result | None]) -> Result:
        """Call `check` until it returns anything but None, and return that. Raises TimeoutPassedError."""
        begin = self.monotonic()
        while (result := check()) is None:
            self._pause(begin)
        return result

    def retry(self, call: Callable[[], Result]) -> Result:
        """Return the result of `call`, which is repeated a few times if AWS throttles or is not reached."""
        begin = self.monotonic()
        failures = 0
        while True:
            try:
                return call()
            except (ClientError, BotoCoreError, TransientAwsError) as error:
                failures += 1
                may_retry = isinstance(error, TransientAwsError) or is_transient(error)
                if failures >= _MAX_CONSECUTIVE_FAILURES or not may_retry:
                    raise
            self._pause(begin)

    def _pause(self, begin: float) -> None:
        if self.timeout_seconds is not None and self.monotonic() - begin >= self.timeout_seconds:
            raise TimeoutPassedError(f"not done after {format_duration(self.timeout_seconds)}")
        self.sleep(self.poll_seconds)


def new_poller(*, is_local: bool, timeout_seconds: float | None = None) -> Poller:
    if is_local:
        return Poller(LOCAL_POLL_SECONDS, timeout_seconds)
    return Poller(AWS_POLL_SECONDS, timeout_seconds, start_seconds=AWS_START_SECONDS)

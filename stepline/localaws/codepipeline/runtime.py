"""What all parts of the service share: the lock, the clock, ids, and the events that wait to be sent.

Rules against deadlocks and inconsistent state:

- state is read and changed only inside `with runtime.transaction():`;
- no client (Lambda, S3, STS, a source) is called inside a transaction: such work is scheduled with
  `runtime.later` and opens a transaction of its own;
- events are sent in the order in which they were emitted, after the transaction, one at a time, so that a
  rule on the event bus may start a pipeline.
"""

from __future__ import annotations

import logging
import random
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from stepline.localaws.clock import Timer
from stepline.localaws.codepipeline.settings import Settings
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent

_log = logging.getLogger(__name__)


class Runtime:
    def __init__(self, context: Context, settings: Settings) -> None:
        self.settings = settings
        self.account_id = context.account_id
        self.region = context.region
        self.caller_arn = f"arn:aws:iam::{context.account_id}:root"
        self._context = context
        self._lock = threading.RLock()
        self._depth = 0
        self._outbox: deque[AwsEvent] = deque()
        self._sending = False
        self._closed = False
        self._random = random.Random(settings.identifier_seed)  # noqa: S311 - ids, not secrets

    def now(self) -> datetime:
        return self._context.clock.now()

    def new_id(self) -> str:
        with self._lock:
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def random_text(self, alphabet: str, length: int) -> str:
        with self._lock:
            return "".join(self._random.choices(alphabet, k=length))

    def arn(self, pipeline_name: str) -> str:
        return f"arn:aws:codepipeline:{self.region}:{self.account_id}:{pipeline_name}"

    def later(self, seconds: float, work: Callable[[], None]) -> Timer:
        """Do `work` in the background, outside any transaction, unless closed by then."""
        return self._context.clock.call_later(seconds, lambda: None if self._closed else work())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock. May be nested; events are sent after the outermost transaction."""
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                outermost = self._depth == 0
        if outermost:
            self._send_events()

    def emit(self, event: AwsEvent) -> None:
        self._outbox.append(event)

    def close(self) -> None:
        """Do no scheduled work and send no events from now on."""
        with self._lock:
            self._closed = True
            self._outbox.clear()

    def _send_events(self) -> None:
        while (event := self._next_event()) is not None:
            try:
                self._context.events(event)
            except Exception:
                _log.exception("an event could not be delivered", extra={"detail_type": event.detail_type})
            finally:
                self._sending = False

    def _next_event(self) -> AwsEvent | None:
        """Return the next event; None while another thread sends one, which then continues with this."""
        with self._lock:
            if self._sending or not self._outbox:
                return None
            self._sending = True
            return self._outbox.popleft()

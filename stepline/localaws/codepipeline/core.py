"""What every part of the stand-in shares: the lock, the clock, identifiers, and the way out for events.

Rules that keep it free of deadlocks and of surprises:

- state is touched only inside `with core.transaction():`;
- no client (Lambda, S3, STS, a source) is called inside a transaction: such work is given to
  `core.later`, and comes back with a transaction of its own;
- events leave in the order in which they were emitted, after the transaction, one at a time, so a
  rule on the bus may start a pipeline in turn.
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

from stepline.localaws.clock import Clock, Timer
from stepline.localaws.codepipeline.settings import Settings
from stepline.localaws.events import AwsEvent, EventSink

_log = logging.getLogger(__name__)


class Core:
    def __init__(
        self, *, clock: Clock, events: EventSink, settings: Settings, account_id: str, region: str
    ) -> None:
        self.settings = settings
        self.account_id = account_id
        self.region = region
        self.caller_arn = f"arn:aws:iam::{account_id}:root"
        self._clock = clock
        self._sink = events
        self._lock = threading.RLock()
        self._depth = 0
        self._outbox: deque[AwsEvent] = deque()
        self._delivering = False
        self._closed = False
        self._random = random.Random(settings.identifier_seed)  # noqa: S311 - ids, not secrets

    def now(self) -> datetime:
        return self._clock.now()

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
        return self._clock.call_later(seconds, lambda: None if self._closed else work())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Alone with the state. May be nested; events leave after the outermost one."""
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                outermost = self._depth == 0
        if outermost:
            self._deliver()

    def emit(self, event: AwsEvent) -> None:
        self._outbox.append(event)

    def close(self) -> None:
        """Nothing that waits will happen any more."""
        with self._lock:
            self._closed = True
            self._outbox.clear()

    def _deliver(self) -> None:
        while (event := self._take()) is not None:
            try:
                self._sink(event)
            except Exception:
                _log.exception("an event could not be delivered", extra={"detail_type": event.detail_type})
            finally:
                self._delivering = False

    def _take(self) -> AwsEvent | None:
        """The next event, if nobody delivers one just now (then that one goes on with this)."""
        with self._lock:
            if self._delivering or not self._outbox:
                return None
            self._delivering = True
            return self._outbox.popleft()

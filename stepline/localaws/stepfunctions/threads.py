"""The threads of one execution: how they start, wait for each other, sleep and end.

The interpreter of state machines uses a thread for every task, branch and iteration,
and lets them wait for each other. Which threads those are, depends on the clock:

- `RealThreads`: ordinary threads; waiting takes real time and ends when the execution is closed.
- `CooperativeThreads`: for `VirtualClock`. One thread runs at a time, and only while a callback
  of the clock lets it: the callback returns when the thread waits again or has ended. So
  `clock.run()` drives an execution in a reproducible order, and hours of waiting take no time.

In both, `cancel` ends every thread of the execution: what it waits for raises `Cancelled`.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from stepline.localaws.clock import Clock, VirtualClock
from stepline.localaws.stepfunctions.turns import Turns
from stepline.localaws.stepfunctions.workers import run_on_a_thread

Target = Callable[[], object]
Condition = Callable[[], bool]

_current: contextvars.ContextVar[Threads | None] = contextvars.ContextVar("threads", default=None)
_log = logging.getLogger(__name__)


class Cancelled(BaseException):
    """The execution was closed: this thread of it ends now."""


def current_threads() -> Threads | None:
    """The threads that the calling thread is one of, or None outside of an execution."""
    return _current.get()


def threads_for(clock: Clock, turns: Turns) -> Threads:
    """Threads for one execution under `clock`; in real time its tasks take `turns` with others' tasks."""
    return CooperativeThreads(clock) if isinstance(clock, VirtualClock) else RealThreads(clock, turns)


class Threads(ABC):
    """The threads of one execution."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cancelled = False
        self._listeners: dict[str, Event] = {}

    @contextmanager
    def listening(self, topic: str) -> Iterator[Event]:
        """An event of these threads that is set when there is news of `topic`, such as a job's ARN."""
        event = self._listeners[topic] = Event(self)
        try:
            yield event
        finally:
            self._listeners.pop(topic, None)

    def hear(self, topic: str) -> None:
        """There is news. May be called by anybody."""
        if event := self._listeners.get(topic):
            event.set()

    def now(self) -> datetime:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self.wait(_never, seconds)

    @abstractmethod
    def start(self, target: Target) -> None:
        """Run `target` on a new daemon thread, with the caller's context variables."""

    @abstractmethod
    def wait(self, condition: Condition, seconds: float | None = None) -> bool:
        """Block this thread of the execution until `condition()`, at most `seconds`; tell whether it holds.

        Whoever makes a condition true calls `notify`. Raises Cancelled once the execution is closed.
        """

    @abstractmethod
    def notify(self) -> None:
        """Something happened that a waiting thread may wait for."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around work for which executions wait in line. In virtual time they never wait."""
        yield

    @abstractmethod
    def cancel(self) -> None:
        """End all threads but the calling one; it ends too when it next waits."""

    def _run(self, target: Target) -> None:
        _current.set(self)
        try:
            target()
        except Cancelled:
            pass
        except Exception:
            _log.exception("a thread of an execution failed")


class RealThreads(Threads):
    """Ordinary threads, in real time."""

    def __init__(self, clock: Clock, turns: Turns) -> None:
        super().__init__(clock)
        self._changed = threading.Condition()
        self._turns = turns

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._turns.take(wait=self.wait, notify=self.notify):
            yield

    def start(self, target: Target) -> None:
        run = partial(contextvars.copy_context().run, self._run, target)
        run_on_a_thread(run)

    def wait(self, condition: Condition, seconds: float | None = None) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._cancelled or condition(), seconds)
            if self._cancelled:
                raise Cancelled
            return condition()

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def cancel(self) -> None:
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()


class CooperativeThreads(Threads):
    """Threads of which one runs at a time, resumed by callbacks of a `VirtualClock`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._waiting: dict[_Strand, Condition] = {}
        self._strands: dict[_Strand, None] = {}  # an ordered set

    def start(self, target: Target) -> None:
        run = partial(contextvars.copy_context().run, self._run, target)
        strand = _Strand(run, on_end=self._ended)
        self._strands[strand] = None
        self._clock.call_later(0, strand.resume)

    def wait(self, condition: Condition, seconds: float | None = None) -> bool:
        self._check()
        if condition():
            return True
        strand = _Strand.of_this_thread()
        timer = None if seconds is None else self._clock.call_later(seconds, partial(self._wake, strand))
        self._waiting[strand] = condition
        strand.pause()
        self._waiting.pop(strand, None)
        if timer is not None:
            timer.cancel()
        self._check()
        return condition()

    def notify(self) -> None:
        for strand in [strand for strand, condition in self._waiting.items() if condition()]:
            del self._waiting[strand]
            self._clock.call_later(0, strand.resume)

    def cancel(self) -> None:
        self._cancelled = True
        for strand in list(self._strands):
            strand.resume_if_paused()

    def _wake(self, strand: _Strand) -> None:
        if self._waiting.pop(strand, None) is not None:
            strand.resume()

    def _check(self) -> None:
        if self._cancelled:
            raise Cancelled

    def _run(self, target: Target) -> None:
        if not self._cancelled:
            super()._run(target)

    def _ended(self, strand: _Strand) -> None:
        self._strands.pop(strand, None)


class _Strand:
    """A thread that runs only between `resume` and the next `pause`, while its resumer waits."""

    _own = threading.local()

    def __init__(self, target: Target, *, on_end: Callable[[_Strand], None]) -> None:
        self._target = target
        self._on_end = on_end
        self._started = False
        self._paused = False
        self._failure: BaseException | None = None
        self._go = _closed_gate()
        self._back = _closed_gate()

    @classmethod
    def of_this_thread(cls) -> _Strand:
        strand: _Strand | None = getattr(cls._own, "strand", None)
        if strand is None:
            raise RuntimeError("only a thread of an execution may wait for it")
        return strand

    def resume(self) -> None:
        """Let the thread run until it pauses or ends. A thread that ended stays ended."""
        if not self._started:
            self._started = True
            run_on_a_thread(self._run)
            self._wait()
        else:
            self.resume_if_paused()

    def resume_if_paused(self) -> None:
        if self._paused:
            self._paused = False
            self._go.release()
            self._wait()

    def _wait(self) -> None:
        """Until the thread pauses or ends; what it could not handle (pytest.fail, Ctrl-C) goes on here."""
        self._back.acquire()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def pause(self) -> None:
        """Called on the thread itself: hand control back and wait for the next `resume`."""
        self._paused = True
        self._back.release()
        self._go.acquire()

    def _run(self) -> None:
        self._own.strand = self
        try:
            self._target()
        except BaseException as failure:
            self._failure = failure
        finally:
            self._on_end(self)
            self._back.release()


class Event:
    """`threading.Event` of the execution that makes it."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._set = False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        self._threads.notify()

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        return self._threads.wait(self.is_set, timeout)


class Thread:
    """What the interpreter uses of `threading.Thread`, as a thread of an execution."""

    def __init__(
        self, threads: Threads, target: Callable[..., object], args: tuple[object, ...] = ()
    ) -> None:
        self._threads = threads
        self._target = partial(target, *args)

    @property
    def native_id(self) -> None:
        """Only logged; the threads of an execution are not told apart."""

    def start(self) -> None:
        self._threads.start(self._target)


def _closed_gate() -> threading.Lock:
    """A lock that is taken: `release` lets one `acquire` through, from whichever thread."""
    gate = threading.Lock()
    gate.acquire()
    return gate


def _never() -> bool:
    return False

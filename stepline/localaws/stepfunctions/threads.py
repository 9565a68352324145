"""The threads of one execution: they start, wait for each other, sleep and end.

The interpreter uses a thread for every task, branch and iteration. The clock decides on their kind:

- `RealThreads`: ordinary threads; waiting takes real time and ends when the execution is closed.
- `CooperativeThreads`: for `VirtualClock`. One thread runs at a time, and only during a callback of the
  clock, which returns when the thread waits again or has ended. So `clock.run()` drives an execution in a
  reproducible order, and hours of waiting take no time.

With both, `cancel` ends every thread of the execution: its `wait` raises `CancelledError`.
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
from stepline.localaws.stepfunctions.task_slots import TaskSlots
from stepline.localaws.stepfunctions.workers import run_on_thread

Target = Callable[[], object]
Condition = Callable[[], bool]

_current: contextvars.ContextVar[Threads | None] = contextvars.ContextVar("threads", default=None)
_log = logging.getLogger(__name__)


class CancelledError(BaseException):
    """The execution is closed: the thread in which this is raised ends."""


def current_threads() -> Threads | None:
    """Return the threads that the calling thread belongs to, or None outside of an execution."""
    return _current.get()


def own_threads() -> Threads:
    """Return the threads that the calling thread belongs to. Raises RuntimeError outside of an execution."""
    threads = _current.get()
    if threads is None:
        raise RuntimeError("the calling thread belongs to no execution")
    return threads


def threads_for(clock: Clock, slots: TaskSlots) -> Threads:
    """Return threads for one execution; in real time its tasks share `slots` with other executions."""
    return CooperativeThreads(clock) if isinstance(clock, VirtualClock) else RealThreads(clock, slots)


class Threads(ABC):
    """The threads of one execution."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_cancelled = False
        self._topics: dict[str, Event] = {}

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[Event]:
        """Yield an event of these threads that `notify_topic` sets; a topic is, for example, a job's ARN."""
        event = self._topics[topic] = Event(self)
        try:
            yield event
        finally:
            self._topics.pop(topic, None)

    def notify_topic(self, topic: str) -> None:
        """Set the topic's event. May be called from any thread."""
        if event := self._topics.get(topic):
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
        """Block the calling thread until `condition()`, at most `seconds`; return whether it is true.

        Code that makes a condition true must call `notify`. Raises CancelledError in a closed execution.
        """

    @abstractmethod
    def notify(self) -> None:
        """Check the conditions that threads wait for again."""

    @contextmanager
    def task_slot(self) -> Iterator[None]:
        """Hold one of the slots that limit concurrent tasks. In virtual time there is no limit."""
        yield

    @abstractmethod
    def cancel(self) -> None:
        """End all threads but the calling one, which ends when it next waits."""

    def _run(self, target: Target) -> None:
        _current.set(self)
        try:
            target()
        except CancelledError:
            pass
        except Exception:
            _log.exception("a thread of an execution failed")


class RealThreads(Threads):
    """Ordinary threads, in real time."""

    def __init__(self, clock: Clock, slots: TaskSlots) -> None:
        super().__init__(clock)
        self._changed = threading.Condition()
        self._slots = slots

    @contextmanager
    def task_slot(self) -> Iterator[None]:
        with self._slots.acquire(wait=self.wait, notify=self.notify):
            yield

    def start(self, target: Target) -> None:
        run_on_thread(partial(contextvars.copy_context().run, self._run, target))

    def wait(self, condition: Condition, seconds: float | None = None) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._is_cancelled or condition(), seconds)
            if self._is_cancelled:
                raise CancelledError
            return condition()

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def cancel(self) -> None:
        with self._changed:
            self._is_cancelled = True
            self._changed.notify_all()


class CooperativeThreads(Threads):
    """Threads of which one runs at a time, resumed by callbacks of a `VirtualClock`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._waiting: dict[_CooperativeThread, Condition] = {}
        self._threads: dict[_CooperativeThread, None] = {}  # an ordered set

    def start(self, target: Target) -> None:
        run = partial(contextvars.copy_context().run, self._run, target)
        thread = _CooperativeThread(run, on_end=self._on_end)
        self._threads[thread] = None
        self._clock.call_later(0, thread.resume)

    def wait(self, condition: Condition, seconds: float | None = None) -> bool:
        self._check_cancelled()
        if condition():
            return True
        thread = _CooperativeThread.current()
        timer = None if seconds is None else self._clock.call_later(seconds, partial(self._wake, thread))
        self._waiting[thread] = condition
        thread.pause()
        self._waiting.pop(thread, None)
        if timer is not None:
            timer.cancel()
        self._check_cancelled()
        return condition()

    def notify(self) -> None:
        for thread in [thread for thread, condition in self._waiting.items() if condition()]:
            del self._waiting[thread]
            self._clock.call_later(0, thread.resume)

    def cancel(self) -> None:
        self._is_cancelled = True
        for thread in list(self._threads):
            thread.resume_if_paused()

    def _wake(self, thread: _CooperativeThread) -> None:
        if self._waiting.pop(thread, None) is not None:
            thread.resume()

    def _check_cancelled(self) -> None:
        if self._is_cancelled:
            raise CancelledError

    def _run(self, target: Target) -> None:
        if not self._is_cancelled:
            super()._run(target)

    def _on_end(self, thread: _CooperativeThread) -> None:
        self._threads.pop(thread, None)


class _CooperativeThread:
    """A thread that runs only between `resume` and the next `pause`, while its resumer waits."""

    _local = threading.local()

    def __init__(self, target: Target, *, on_end: Callable[[_CooperativeThread], None]) -> None:
        self._target = target
        self._on_end = on_end
        self._is_started = False
        self._is_paused = False
        self._failure: BaseException | None = None
        self._may_run = _acquired_lock()
        self._has_paused = _acquired_lock()

    @classmethod
    def current(cls) -> _CooperativeThread:
        thread: _CooperativeThread | None = getattr(cls._local, "thread", None)
        if thread is None:
            raise RuntimeError("only a thread of an execution may wait for it")
        return thread

    def resume(self) -> None:
        """Let the thread run until it pauses or ends. Does nothing after its end."""
        if not self._is_started:
            self._is_started = True
            run_on_thread(self._run)
            self._wait()
        else:
            self.resume_if_paused()

    def resume_if_paused(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._may_run.release()
            self._wait()

    def _wait(self) -> None:
        """Wait until the thread pauses or ends. Raises what it does not handle (pytest.fail, Ctrl-C)."""
        self._has_paused.acquire()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def pause(self) -> None:
        """Return control to the resumer until the next `resume`. Must be called on the thread itself."""
        self._is_paused = True
        self._has_paused.release()
        self._may_run.acquire()

    def _run(self) -> None:
        self._local.thread = self
        try:
            self._target()
        except BaseException as failure:
            self._failure = failure
        finally:
            self._on_end(self)
            self._has_paused.release()


class Event:
    """`threading.Event` for the threads of one execution."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self._threads.notify()

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        return self._threads.wait(self.is_set, timeout)


class Thread:
    """The part of `threading.Thread` that the interpreter uses, as a thread of an execution."""

    native_id = None  # which the interpreter only logs

    def __init__(
        self, threads: Threads, target: Callable[..., object], args: tuple[object, ...] = ()
    ) -> None:
        self._threads = threads
        self._target = partial(target, *args)

    def start(self) -> None:
        self._threads.start(self._target)


def _acquired_lock() -> threading.Lock:
    """Return a lock whose `release`, on any thread, lets one `acquire` through."""
    lock = threading.Lock()
    lock.acquire()
    return lock


def _never() -> bool:
    return False

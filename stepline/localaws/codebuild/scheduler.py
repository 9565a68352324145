"""Runs builds: they wait in the queue, run on a thread each, and end."""

from __future__ import annotations

import logging
import shutil
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from stepline.localaws.clock import Timer
from stepline.localaws.codebuild.errors import BuildEndedError, PhaseError
from stepline.localaws.codebuild.events import phase_change, state_change
from stepline.localaws.codebuild.execution import BuildExecution, Environment
from stepline.localaws.codebuild.models import Build, BuildStatus, Phase, PhaseType
from stepline.localaws.codebuild.settings import MAX_RUNNING_BUILDS
from stepline.localaws.context import Context

_SECONDS_PER_MINUTE = 60
_TIMED_OUT = {
    BuildStatus.TIMED_OUT: ("BUILD_TIMED_OUT", "Build has timed out. "),
    BuildStatus.STOPPED: ("", ""),
}
"""The context of the phase in which a build was ended."""

_log = logging.getLogger(__name__)


class Scheduler:
    """Safe for threads. `lock` protects the builds; `directory` holds the files of running ones."""

    def __init__(
        self, context: Context, environment: Environment, directory: Path, lock: threading.RLock
    ) -> None:
        self._context = context
        self._environment = environment
        self._directory = directory
        self._lock = lock
        self._queue: deque[Build] = deque()
        self._running: dict[str, BuildExecution] = {}
        self._timers: dict[str, Timer] = {}
        self._outcomes: dict[str, BuildStatus] = {}
        self._is_closed = False

    def submit(self, build: Build) -> None:
        """Queue a new build, and run it as soon as there is room."""
        with self._lock:
            self._begin(build, PhaseType.SUBMITTED)
        self._publish_state(build)
        self._end(build, PhaseType.SUBMITTED, BuildStatus.SUCCEEDED)
        with self._lock:
            self._begin(build, PhaseType.QUEUED)
            self._queue.append(build)
            minutes = build.document["queuedTimeoutInMinutes"]
            self._set_timer(build, minutes, BuildStatus.TIMED_OUT)
        self._context.clock.call_later(0, self._start_builds)

    def end(self, build: Build, status: BuildStatus) -> None:
        """End a build that is queued or running with STOPPED or TIMED_OUT; one that has ended stays."""
        with self._lock:
            if build.is_complete or build.id in self._outcomes:
                return
            self._outcomes[build.id] = status
            execution = self._running.get(build.id)
            is_queued = build in self._queue
            if is_queued:
                self._queue.remove(build)
        if is_queued:
            self._finish(build, succeeded=False)
        elif execution is not None:
            execution.kill()

    def close(self) -> None:
        """Kill all builds and remove their files."""
        with self._lock:
            self._is_closed = True
            self._queue.clear()
            running = list(self._running.values())
        for execution in running:
            execution.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _start_builds(self) -> None:
        while (build := self._next_build()) is not None:
            self._end(build, PhaseType.QUEUED, BuildStatus.SUCCEEDED)
            threading.Thread(target=self._run, args=(build,), name="stepline-build", daemon=True).start()

    def _next_build(self) -> Build | None:
        with self._lock:
            if self._is_closed or not self._queue or len(self._running) >= MAX_RUNNING_BUILDS:
                return None
            build = self._queue.popleft()
            self._set_timer(build, build.document["timeoutInMinutes"], BuildStatus.TIMED_OUT)
            folder = self._directory / build.uuid
            self._running[build.id] = BuildExecution(
                build,
                self._environment,
                folder,
                begin=partial(self._begin, build),
                end=partial(self._end, build),
            )
            return build

    def _run(self, build: Build) -> None:
        execution = self._running[build.id]
        succeeded = False
        try:
            (self._directory / build.uuid).mkdir(parents=True, mode=0o700)
            succeeded = execution.run()
        except BuildEndedError:
            if self._is_closed:
                return
        except Exception:
            _log.exception("the build %s failed unexpectedly", build.id)
            with self._lock:
                self._outcomes.setdefault(build.id, BuildStatus.FAULT)
        finally:
            with self._lock:
                self._running.pop(build.id, None)
        self._finish(build, succeeded=succeeded)
        self._start_builds()

    def _set_timer(self, build: Build, minutes: int, status: BuildStatus) -> None:
        if earlier := self._timers.pop(build.id, None):
            earlier.cancel()
        self._timers[build.id] = self._context.clock.call_later(
            minutes * _SECONDS_PER_MINUTE, lambda: self.end(build, status)
        )

    def _finish(self, build: Build, *, succeeded: bool) -> None:
        """Record the end of a build and publish it."""
        with self._lock:
            if timer := self._timers.pop(build.id, None):
                timer.cancel()
            outcome = self._outcomes.pop(build.id, None)
            status = outcome or (BuildStatus.SUCCEEDED if succeeded else BuildStatus.FAILED)
            current = build.phases[-1]
        if current.status is None:
            code, message = _TIMED_OUT.get(status, ("", ""))
            self._end(build, current.type, status, PhaseError(code, message))
        with self._lock:
            build.status = status
            build.ended_at = self._context.clock.now()
            build.phases.append(Phase(PhaseType.COMPLETED, build.ended_at))
        self._publish_state(build)

    def _begin(self, build: Build, phase: PhaseType) -> None:
        with self._lock:
            build.phases.append(Phase(phase, self._context.clock.now()))

    def _end(
        self, build: Build, phase_type: PhaseType, status: BuildStatus, error: PhaseError | None = None
    ) -> None:
        with self._lock:
            phase = build.phases[-1]
            assert phase.type is phase_type
            phase.status, phase.ended_at = status, self._context.clock.now()
            if error is not None:
                phase.code, phase.message = error.code, str(error)
            event = phase_change(build, phase)
        self._publish(lambda: self._context.events(event))

    def _publish_state(self, build: Build) -> None:
        with self._lock:
            event = state_change(build, self._context.clock.now())
        self._publish(lambda: self._context.events(event))

    def _publish(self, send: Callable[[], None]) -> None:
        try:
            send()
        except Exception:
            _log.exception("an event of a build was not published")

"""Runs deployed functions in processes of AWS's own runtime client, `awslambdaric`."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from stepline.localaws.functions.code import CodeStore
from stepline.localaws.functions.environment import ExecutionEnvironment
from stepline.localaws.functions.model import (
    MAX_REQUEST_BYTES,
    FunctionsError,
    FunctionVersion,
    InvocationResult,
    RequestTooLargeError,
)
from stepline.localaws.functions.runtime_api import RuntimeApi

MAX_ENVIRONMENTS_PER_FUNCTION = 16
"""So many invocations of a function run at a time; further ones wait for one to end."""

IDLE_SECONDS = 300.0
"""An execution environment that is not used for so long is ended. AWS does not say when it does."""


class FunctionRunner:
    """Execution environments of all functions: started when needed, reused, ended when idle.

    `directory` holds unpacked code and temporary files, which `close` removes. Safe to use from
    several threads.
    """

    def __init__(self, directory: Path, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._directory = directory
        self._idle_seconds = idle_seconds
        self._code = CodeStore(directory)
        self._api = RuntimeApi()
        self._changed = threading.Condition()
        self._idle: dict[tuple[object, ...], list[ExecutionEnvironment]] = defaultdict(list)
        self._busy: dict[tuple[object, ...], int] = defaultdict(int)
        self._all: set[ExecutionEnvironment] = set()
        self._discarded: set[ExecutionEnvironment] = set()
        self._closed = False
        self._reaper = threading.Thread(target=self._reap, name="stepline-function-reaper", daemon=True)
        self._reaper.start()

    def invoke(
        self,
        function: FunctionVersion,
        code_zip: Callable[[], bytes],
        payload: bytes,
        *,
        request_id: str,
        trace_id: str | None = None,
    ) -> InvocationResult:
        """Run `function` with the event `payload` (JSON) and wait for its result.

        `code_zip` gives the deployment package; it is asked for once per `code_sha256`. Whatever goes
        wrong in the function is in the result. Raises RequestTooLargeError, CodeError, or FunctionsError
        after `close`.
        """
        if len(payload) > MAX_REQUEST_BYTES:
            raise RequestTooLargeError(len(payload))
        code = self._code.folder(function.code_sha256, code_zip)
        environment = self._take(function, code)
        try:
            return environment.invoke(payload, request_id=request_id, trace_id=trace_id)
        finally:
            self._give_back(environment)

    def discard(self, name: str) -> None:
        """The function was updated or deleted: end its environments, the busy ones after their event."""
        with self._changed:
            stale = [environment for environment in self._all if environment.function.name == name]
            ended = [environment for environment in stale if self._take_from_idle(environment)]
            self._discarded.update(set(stale) - set(ended))
        self._end(ended)

    def close(self) -> None:
        """End all processes, those at work too, and remove the files."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            environments = list(self._all)
            self._idle.clear()
            self._changed.notify_all()
        self._end(environments)
        self._reaper.join()
        self._api.close()
        self._code.close()

    def _take(self, function: FunctionVersion, code: Path) -> ExecutionEnvironment:
        key = function.key
        with self._changed:
            while True:
                if self._closed:
                    raise FunctionsError("the local AWS is stopping")
                while idle := self._idle[key]:
                    environment = idle.pop()
                    if environment.alive:
                        self._busy[key] += 1
                        return environment
                if self._busy[key] < MAX_ENVIRONMENTS_PER_FUNCTION:
                    self._busy[key] += 1
                    break
                self._changed.wait()
        return self._new(function, code)

    def _new(self, function: FunctionVersion, code: Path) -> ExecutionEnvironment:
        try:
            environment = ExecutionEnvironment(function, code, self._api, self._directory)
        except BaseException:
            with self._changed:
                self._busy[function.key] -= 1
            raise
        with self._changed:
            self._all.add(environment)
            if not self._closed:
                return environment
        environment.close()
        raise FunctionsError("the local AWS is stopping")

    def _give_back(self, environment: ExecutionEnvironment) -> None:
        key = environment.function.key
        with self._changed:
            self._busy[key] -= 1
            keep = environment.alive and environment not in self._discarded and not self._closed
            if keep:
                environment.idle_since = time.monotonic()
                self._idle[key].append(environment)
            self._changed.notify_all()
        if not keep:
            self._end([environment])

    def _take_from_idle(self, environment: ExecutionEnvironment) -> bool:
        idle = self._idle[environment.function.key]
        if environment not in idle:
            return False
        idle.remove(environment)
        return True

    def _end(self, environments: list[ExecutionEnvironment]) -> None:
        with self._changed:
            self._all.difference_update(environments)
            self._discarded.difference_update(environments)
        for environment in environments:
            environment.close()

    def _reap(self) -> None:
        """End environments that are not used any more, until the runner closes."""
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, self._idle_seconds / 2):
                    return
                oldest = time.monotonic() - self._idle_seconds
                stale = [item for idle in self._idle.values() for item in idle if item.idle_since < oldest]
                for environment in stale:
                    self._take_from_idle(environment)
            self._end(stale)

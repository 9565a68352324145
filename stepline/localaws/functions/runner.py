"""Runs deployed functions in processes of AWS's own runtime client, `awslambdaric`."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from functools import partial
from pathlib import Path

from stepline.localaws.functions.code_store import CodeStore
from stepline.localaws.functions.errors import FunctionsError, RequestTooLargeError
from stepline.localaws.functions.execution_environment import ExecutionEnvironment
from stepline.localaws.functions.models import FunctionVersion, InvocationResult
from stepline.localaws.functions.pool import Pool
from stepline.localaws.functions.processes import Processes
from stepline.localaws.functions.runtime_api import RuntimeApi
from stepline.localaws.functions.settings import IDLE_SECONDS, MAX_REQUEST_BYTES, STALL_SECONDS

_STOPPING = "the local AWS is stopping"


class FunctionRunner:
    """Starts execution environments when needed, reuses them, and ends them when idle.

    `directory` holds unpacked code and temporary files, which `close` removes. Thread-safe.
    """

    def __init__(
        self,
        directory: Path,
        *,
        idle_seconds: float = IDLE_SECONDS,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._directory = directory
        self._idle_seconds = idle_seconds
        self._stall_seconds = stall_seconds
        self._code = CodeStore(directory)
        self._api = RuntimeApi()
        self._processes = Processes()
        self._changed = threading.Condition()
        self._pools: dict[tuple[object, ...], Pool] = defaultdict(partial(Pool, stall_seconds=stall_seconds))
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

        `code_zip` returns the deployment package; it is called once per `code_sha256`. The files that the
        package was made of are used as they are now, unless the version is published. An error of the
        function is in the result. Raises RequestTooLargeError, CodeError, or FunctionsError after `close`.
        """
        if len(payload) > MAX_REQUEST_BYTES:
            raise RequestTooLargeError
        code = self._code.folder(function.code_sha256, code_zip, is_live=function.is_latest)
        layers = self._layers(function)
        folders = [folder.name for folder in (code, *layers)]
        environment = self._acquire(replace(function, code_sha256="+".join(folders)), code, layers)
        try:
            return environment.invoke(payload, request_id=request_id, trace_id=trace_id)
        finally:
            self._release(environment)

    def discard(self, name: str) -> None:
        """End the environments of an updated or deleted function, the busy ones after their event."""
        with self._changed:
            stale = [environment for environment in self._all if environment.function.name == name]
            ended = [environment for environment in stale if self._remove_idle(environment)]
            self._discarded.update(set(stale) - set(ended))
        self._end(ended)

    def close(self) -> None:
        """Kill all processes, the busy ones too, and remove the files."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            environments = list(self._all)
            for pool in self._pools.values():
                pool.close(FunctionsError(_STOPPING))
            self._changed.notify_all()
        self._end(environments)
        self._reaper.join()
        self._processes.close()
        self._api.close()
        self._code.close()

    def _layers(self, function: FunctionVersion) -> list[Path]:
        """Return the folders of the layers that are here, those of the later layers first."""
        here = [(layer.arn, content) for layer in reversed(function.layers) if (content := layer.content())]
        live = function.is_latest
        return [self._code.folder(arn, partial(bytes, content), is_live=live) for arn, content in here]

    def _acquire(self, function: FunctionVersion, code: Path, layers: Sequence[Path]) -> ExecutionEnvironment:
        with self._changed:
            if self._closed:
                raise FunctionsError(_STOPPING)
            pool = self._pools[function.key]
            dead = pool.remove_dead()
            assignment = pool.acquire()
        self._end(dead)
        while True:
            try:
                environment = assignment.result(self._stall_seconds)
            except FutureTimeoutError:
                with self._changed:
                    pool.grow_if_stalled()
            else:
                return environment or self._start(function, code, layers, pool)

    def _start(
        self, function: FunctionVersion, code: Path, layers: Sequence[Path], pool: Pool
    ) -> ExecutionEnvironment:
        try:
            environment = ExecutionEnvironment(
                function, code, self._api, self._directory, layers, processes=self._processes
            )
        except BaseException:
            with self._changed:
                pool.lose()
            raise
        with self._changed:
            self._all.add(environment)
            pool.add(environment)
            if not self._closed:
                return environment
        environment.close()
        raise FunctionsError(_STOPPING)

    def _release(self, environment: ExecutionEnvironment) -> None:
        with self._changed:
            keep = environment.alive and environment not in self._discarded and not self._closed
            if keep:
                self._pools[environment.function.key].release(environment)
        if not keep:
            self._end([environment])

    def _remove_idle(self, environment: ExecutionEnvironment) -> bool:
        idle = self._pools[environment.function.key].idle
        if environment not in idle:
            return False
        idle.remove(environment)
        return True

    def _end(self, environments: list[ExecutionEnvironment]) -> None:
        for environment in environments:
            environment.close()
        with self._changed:
            self._discarded.difference_update(environments)
            for environment in self._all.intersection(environments):
                self._all.remove(environment)
                self._forget(environment)

    def _forget(self, environment: ExecutionEnvironment) -> None:
        pool = self._pools[environment.function.key]
        pool.lose(environment)
        if pool.size == 0:  # the version may be outdated
            del self._pools[environment.function.key]

    def _reap(self) -> None:
        """End environments that have been idle for long, until the runner closes."""
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, self._idle_seconds / 2):
                    return
                oldest = time.monotonic() - self._idle_seconds
                idle = [environment for pool in self._pools.values() for environment in pool.idle]
                stale = [environment for environment in idle if environment.idle_since < oldest]
                for environment in stale:
                    self._remove_idle(environment)
            self._end(stale)

"""An execution environment: a process of AWS's runtime client that processes one event at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from stepline.localaws.functions import runtimes
from stepline.localaws.functions.models import FunctionVersion, InvocationResult, error_document
from stepline.localaws.functions.processes import Processes, base_variables
from stepline.localaws.functions.runtime_api import Invocation, Response, RuntimeApi
from stepline.localaws.functions.settings import INIT_TIMEOUT_SECONDS, MAX_RESPONSE_BYTES

_UNHANDLED = "Unhandled"
_EXIT_ERROR = "Runtime.ExitError"
_TASK_ROOT = b"/var/task"
"""The folder of a function's code on AWS [Lambda guide, "LAMBDA_TASK_ROOT"]."""


class ExecutionEnvironment:
    """A process that runs one function, one invocation after another."""

    def __init__(
        self,
        function: FunctionVersion,
        code: Path,
        api: RuntimeApi,
        directory: Path,
        layers: Sequence[Path] = (),
        *,
        processes: Processes,
    ) -> None:
        self.function = function
        self.idle_since = time.monotonic()
        self._api = api
        self._channel = api.open()
        self._scratch = Path(tempfile.mkdtemp(dir=directory, prefix="tmp-"))
        self._log = _LogFile(directory)
        self._exit_code: int | None = None
        self._exited = threading.Event()
        self._current: Invocation | None = None
        self._code = str(code).encode()
        self._layers = layers
        self._process = processes.start(
            runtimes.command(function),
            code,
            self._variables(code),
            self._log.descriptor,
            fork=runtimes.is_python(function),
        )
        threading.Thread(target=self._watch, name="stepline-function", daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._exited.is_set()

    @property
    def ready(self) -> bool:
        """Whether the function has been loaded, or cannot be."""
        return self._channel.ready.done()

    def invoke(self, event: bytes, *, request_id: str, trace_id: str | None) -> InvocationResult:
        """Process one event. The process may have ended afterwards: see `alive`."""
        self._wait_until_ready()
        if self._channel.init_error is not None:
            self._exited.wait(INIT_TIMEOUT_SECONDS)
            return self._result(self._channel.init_error.payload, failed=True)
        if not self._channel.ready.done() or not self.alive:
            self.kill()
            return self._exit_result(request_id)
        return self._send(self._invocation(event, request_id, trace_id))

    def kill(self) -> None:
        """Kill the process and its children, and free port and files. May be called twice."""
        self._kill_group()
        self._exited.wait()
        self._api.close_channel(self._channel)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def close(self) -> None:
        self.kill()
        self._log.close()

    def _send(self, invocation: Invocation) -> InvocationResult:
        self._current = invocation
        self._channel.send(invocation)
        if not self.alive:
            self._fail_current()
        try:
            response = invocation.response.result(self.function.timeout_seconds)
        except FutureTimeoutError:
            self.kill()
            return self._timeout_result(invocation.request_id)
        except ProcessLookupError:
            return self._exit_result(invocation.request_id)
        finally:
            self._current = None
        if len(response.payload) > MAX_RESPONSE_BYTES:
            response = _too_large()
        return self._result(response.payload, failed=response.is_error)

    def _invocation(self, event: bytes, request_id: str, trace_id: str | None) -> Invocation:
        deadline = datetime.now(UTC).timestamp() + self.function.timeout_seconds
        return Invocation(request_id, self.function.arn, event, int(deadline * 1000), trace_id)

    def _result(self, payload: bytes, *, failed: bool, platform_log: str = "") -> InvocationResult:
        """`platform_log`: what Lambda itself logs when a function times out or its process exits."""
        log = self._log.take() + platform_log
        if not failed:
            return InvocationResult(payload, None, log)
        # The stack trace is shown in histories; the log keeps the files that exist.
        return InvocationResult(payload.replace(self._code, _TASK_ROOT), _UNHANDLED, log)

    def _timeout_result(self, request_id: str) -> InvocationResult:
        message = f"Task timed out after {self.function.timeout_seconds:.2f} seconds"
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        document = error_document("Sandbox.Timedout", f"RequestId: {request_id} Error: {message}")
        return self._result(document, failed=True, platform_log=f"{now} {request_id} {message}\n")

    def _exit_result(self, request_id: str) -> InvocationResult:
        message = f"RequestId: {request_id} Error: {self._exit_reason()}"
        document = error_document(_EXIT_ERROR, message)
        return self._result(document, failed=True, platform_log=f"{message}\n{_EXIT_ERROR}\n")

    def _wait_until_ready(self) -> None:
        with suppress(FutureTimeoutError, ProcessLookupError):
            self._channel.ready.result(INIT_TIMEOUT_SECONDS)

    def _exit_reason(self) -> str:
        code = self._exit_code
        if code is not None and code < 0 and not self._channel.ready.done():
            return f"Runtime did not start within {INIT_TIMEOUT_SECONDS:.0f} seconds"
        if code is not None and code < 0:
            return f"Runtime exited with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"
        if code:
            return f"Runtime exited with error: exit status {code}"
        return "Runtime exited without providing a reason"

    def _watch(self) -> None:
        if self._process.wait_for_exit():
            self._kill_group()  # children that the function left behind
        self._exit_code = self._process.reap()
        self._exited.set()
        with suppress(Exception):  # set already
            self._channel.ready.set_exception(ProcessLookupError())
        self._fail_current()

    def _kill_group(self) -> None:
        """Kill the process group, unless the process was reaped: its number may be another process's then."""
        if self._exit_code is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _fail_current(self) -> None:
        current = self._current
        if current is not None:
            with suppress(Exception):  # its response has just arrived
                current.response.set_exception(ProcessLookupError())

    def _variables(self, code: Path) -> dict[str, str]:
        """Return Lambda's defined runtime environment variables [Lambda guide] and the function's own."""
        function = self.function
        region = function.arn.split(":")[3]
        return {
            **base_variables(),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": runtimes.execution_environment(function),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": _log_stream_name(),
            **runtimes.search_path(function, code, self._layers),
            "TMPDIR": str(self._scratch),
            # No settings and no credentials of the person who runs this.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            **function.environment,
            **self._paths_of_layers(),
            "AWS_LAMBDA_RUNTIME_API": self._channel.address,
            "LAMBDA_TASK_ROOT": str(code),
            "_HANDLER": function.handler,
        }

    def _paths_of_layers(self) -> dict[str, str]:
        """Return the variables with the folders of programs and libraries, which layers extend."""
        variables = {**os.environ, **self.function.environment}
        return {
            name: os.pathsep.join([variables.get(name, ""), *folders]).lstrip(os.pathsep)
            for name, part in (("PATH", "bin"), ("LD_LIBRARY_PATH", "lib"))
            if (folders := [str(layer / part) for layer in self._layers if (layer / part).is_dir()])
        }


class _LogFile:
    """The output of the process: an unnamed file, so that writing never blocks and the file removes itself.

    One thread may close an environment while another one reads its log.
    """

    def __init__(self, directory: Path) -> None:
        self._lock = threading.Lock()
        self._file = tempfile.TemporaryFile(buffering=0, dir=directory)  # noqa: SIM115 - closed by close()
        flags = fcntl.fcntl(self.descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self.descriptor, fcntl.F_SETFL, flags | os.O_APPEND)  # so that it can be emptied

    @property
    def descriptor(self) -> int:
        return self._file.fileno()

    def take(self) -> str:
        """Return what was written since the last call; nothing once the file is closed.

        Within one record the runtime client writes line ends as carriage returns and indents with
        non-breaking spaces.
        """
        with self._lock:
            if self._file.closed:
                return ""
            text = os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0).decode(errors="replace")
            os.ftruncate(self.descriptor, 0)
        lines = text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True)
        return "".join(line.replace("\xa0", " ") if line.startswith("\xa0") else line for line in lines)

    def close(self) -> None:
        with self._lock:
            self._file.close()


def _log_stream_name() -> str:
    return f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"


def _too_large() -> Response:
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
    return Response(error_document("Function.ResponseSizeTooLarge", message), is_error=True)

"""Lambda, as functions experience it: time that runs out, a process that is killed, repeated invocations."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.network import Operation
from tests.in_process_functions import Handler, LambdaContext, function_name
from tests.system_template import function_arn


class KilledError(BaseException):
    """The process of the function has ended. It is no Exception, so that no function can handle it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


def crash() -> KilledError:
    return KilledError("Runtime.ExitError", "RequestId: 1 Error: Runtime exited with error: signal: killed")


def time_out(seconds: float) -> KilledError:
    return KilledError("Sandbox.Timedout", f"RequestId: 1 Error: Task timed out after {seconds:.2f} seconds")


@dataclass
class Call:
    """One call of an AWS client; `number` counts all calls from 1, `position` those of its invocation."""

    number: int
    position: int
    function: str
    operation: Operation
    parameters: Mapping[str, Any]
    attempts: int = 0


@dataclass
class Invocation:
    """One invocation of a function.

    `error` is the name of the error with which it ended, `denied` the operations that it was denied, `result`
    what it returned to a caller that waits. `offset_seconds`: so long it began after the clock's time.
    """

    function: str
    event: Any
    timeout_seconds: float
    elapsed_seconds: float = 0.0
    offset_seconds: float = 0.0
    calls: list[Call] = field(default_factory=list)
    killed: KilledError | None = None
    is_repeat: bool = False
    error: str = ""
    message: str = ""
    denied: list[Operation] = field(default_factory=list)
    result: Any = None

    @property
    def job_id(self) -> str:
        """The id of CodePipeline's job; empty for a task."""
        return str(self.event.get("CodePipeline.job", {}).get("id", ""))

    def spend(self, seconds: float) -> None:
        """Let time pass; raises KilledError when the function times out."""
        self.elapsed_seconds += seconds
        if self.elapsed_seconds >= self.timeout_seconds:
            self.kill(time_out(self.timeout_seconds))

    def kill(self, error: KilledError) -> None:
        """Raise KilledError, now and at every further call: a `finally` clause calls nothing, either."""
        self.killed = self.killed or error
        raise self.killed


@dataclass
class Functions:
    """A Lambda client whose functions run in this process. `running`: the innermost invocation is last.

    `admit` is called with name and event before a function runs. It returns False for an event to discard.
    """

    handlers: Mapping[str, Handler]
    timeouts: Mapping[str, float]
    admit: Callable[[str, Any], bool] = lambda _name, _event: True
    running: list[Invocation] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)

    def invoke(
        self,
        *,
        FunctionName: str,
        Payload: bytes | str = b"{}",
        **_settings: Any,
    ) -> dict[str, Any]:
        name = function_name(FunctionName)
        event = json.loads(Payload)
        if not self.admit(name, event):
            return {"StatusCode": 202, "Payload": io.BytesIO(b"")}
        invocation = Invocation(name, event, self.timeouts[name])
        result, error = self.run(invocation)
        response = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(result)}
        return response | ({"FunctionError": error} if error else {})

    def get_function_event_invoke_config(self, **_settings: Any) -> dict[str, Any]:
        """Return no settings: `admit` and the settings of CodePipeline apply those of the template."""
        return {}

    def arn(self, name: str) -> str:
        return function_arn(name)

    def run(self, invocation: Invocation) -> tuple[bytes, str | None]:
        """Return the payload, and the kind of error if the function failed."""
        self.running.append(invocation)
        self.invocations.append(invocation)
        context = LambdaContext(
            function_name=invocation.function,
            invoked_function_arn=self.arn(invocation.function),
            aws_request_id="00000000-0000-0000-0000-000000000001",
            remaining_milliseconds=int((invocation.timeout_seconds - invocation.elapsed_seconds) * 1000),
        )
        try:
            event = json.loads(json.dumps(invocation.event))
            return json.dumps(self.handlers[invocation.function](event, context)).encode(), None
        except KilledError as killed:
            return _failed(invocation, killed.error_type, str(killed))
        except Exception as error:
            return _failed(invocation, type(error).__name__, str(error))
        finally:
            self.running.pop()


def _failed(invocation: Invocation, error_type: str, message: str) -> tuple[bytes, str]:
    invocation.error, invocation.message = error_type, message
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode(), "Unhandled"

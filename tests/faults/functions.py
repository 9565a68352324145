"""Lambda, as far as the functions notice: time that runs out, death in the middle, repeated runs."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.network import Operation
from tests.in_process_functions import Handler, LambdaContext, function_name


class Killed(BaseException):
    """The function's process is gone. Not an Exception: nothing in the function can handle it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


def crash() -> Killed:
    return Killed("Runtime.ExitError", "RequestId: 1 Error: Runtime exited with error: signal: killed")


def time_out(seconds: float) -> Killed:
    return Killed("Sandbox.Timedout", f"RequestId: 1 Error: Task timed out after {seconds:.2f} seconds")


@dataclass
class Call:
    """One call of an AWS client; `number` counts all calls from 1, `position` those of its function's run."""

    number: int
    position: int
    function: str
    operation: Operation
    parameters: Mapping[str, Any]
    attempts: int = 0


@dataclass
class Invocation:
    """One run of a function. `error` is the name of what it ended with, `denied` what it was refused.

    `answer` is kept where somebody waits for it.
    """

    function: str
    event: Any
    timeout_seconds: float
    elapsed_seconds: float = 0.0
    made: list[Call] = field(default_factory=list)
    dead: Killed | None = None
    is_repeat: bool = False
    error: str = ""
    message: str = ""
    denied: list[Operation] = field(default_factory=list)
    answer: Any = None

    @property
    def job_id(self) -> str:
        """Empty for a task."""
        return str(self.event.get("CodePipeline.job", {}).get("id", ""))

    def spend(self, seconds: float) -> None:
        """Raises `Killed` when the function's time is over."""
        self.elapsed_seconds += seconds
        if self.elapsed_seconds >= self.timeout_seconds:
            self.kill(time_out(self.timeout_seconds))

    def kill(self, how: Killed) -> None:
        """Dead functions call nobody, whatever their `finally` clauses say."""
        self.dead = self.dead or how
        raise self.dead


@dataclass
class Functions:
    """A Lambda client whose functions run in this process. `running` is the innermost one."""

    handlers: Mapping[str, Handler]
    timeouts: Mapping[str, float]
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
        invocation = Invocation(name, json.loads(Payload), self.timeouts[name])
        result, error = self.run(invocation)
        answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(result)}
        return answer | ({"FunctionError": error} if error else {})

    def arn(self, name: str) -> str:
        return f"arn:aws:lambda:us-east-1:000000000000:function:{name}"

    def run(self, invocation: Invocation) -> tuple[bytes, str | None]:
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
        except Killed as killed:
            return _failed(invocation, killed.error_type, str(killed))
        except Exception as error:
            return _failed(invocation, type(error).__name__, str(error))
        finally:
            self.running.pop()


def _failed(invocation: Invocation, error_type: str, message: str) -> tuple[bytes, str]:
    invocation.error, invocation.message = error_type, message
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode(), "Unhandled"

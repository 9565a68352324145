"""Step Functions in memory: executions do not run; a test sets how they end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from stepline.localaws.protocol import AwsError, Params
from tests.fakes.service import FakeService


@dataclass
class FakeExecution:
    """`history` has the events that GetExecutionHistory returns, oldest first.

    DescribeExecution is eventually consistent: it returns RUNNING for `stale_reads` more calls, and after a
    redrive the failure before it for `stale_failures` calls.
    """

    arn: str
    name: str
    input: str
    started: datetime
    status: str = "RUNNING"
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    stale_reads: int = 0
    redrives: int = 0
    redriven: datetime | None = None
    stale_failures: int = 0

    def succeed(self, output: str = "{}") -> None:
        self.status, self.output = "SUCCEEDED", output

    def fail(self, error: str | None, cause: str | None, *, status: str = "FAILED") -> None:
        self.status, self.error, self.cause = status, error, cause


@dataclass(eq=False)
class FakeStepFunctions(FakeService):
    """`machines`: ARN -> type. `executions`: Standard ones by ARN; the `invisible` are not described yet.

    `on_stop` is called when an execution is stopped. `sync_result` ends an Express execution, and
    `sync_started` has the names of all of them.
    """

    service_name: ClassVar[str] = "stepfunctions"
    clock: Callable[[], float] = time.time
    machines: dict[str, str] = field(default_factory=dict)
    executions: dict[str, FakeExecution] = field(default_factory=dict)
    invisible: set[str] = field(default_factory=set)
    on_stop: Callable[[FakeExecution], None] = lambda _execution: None
    sync_result: Callable[[FakeExecution], None] = FakeExecution.succeed
    sync_started: list[str] = field(default_factory=list)

    def describe_state_machine(self, *, stateMachineArn: str, **_rest: Any) -> Params:
        return {
            "stateMachineArn": stateMachineArn,
            "name": stateMachineArn.rpartition(":")[2],
            "type": self._type(stateMachineArn),
            "definition": "{}",
            "roleArn": "arn:aws:iam::000000000000:role/machine",
            "creationDate": self._now(),
        }

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Params:  # noqa: A002
        self._type(stateMachineArn)
        arn = stateMachineArn.replace(":stateMachine:", ":execution:") + f":{name}"
        existing = self.executions.get(arn)
        if existing is not None and (existing.status != "RUNNING" or existing.input != input):
            raise AwsError(f"Execution Already Exists: '{arn}'", code="ExecutionAlreadyExists")
        execution = existing or FakeExecution(arn, name, input, self._now())
        self.executions[arn] = execution
        return {"executionArn": arn, "startDate": execution.started}

    def start_sync_execution(self, *, stateMachineArn: str, name: str, input: str) -> Params:  # noqa: A002
        if self._type(stateMachineArn) != "EXPRESS":
            raise AwsError("not an Express state machine", code="StateMachineTypeNotSupported")
        arn = stateMachineArn.replace(":stateMachine:", ":express:") + f":{name}:1234"
        execution = FakeExecution(arn, name, input, self._now())
        self.sync_started.append(name)
        self.sync_result(execution)
        return {**_description(execution), "stopDate": self._now()}

    def describe_execution(self, *, executionArn: str, **_rest: Any) -> Params:
        execution = self._execution(executionArn)
        if execution.redrives and execution.stale_failures:
            execution.stale_failures -= 1
            return _description(replace(execution, status="FAILED", error="Broken", redriven=None))
        if execution.stale_reads:
            execution.stale_reads -= 1
            return _description(replace(execution, status="RUNNING", output=None, error=None, cause=None))
        return _description(execution)

    def redrive_execution(self, *, executionArn: str, clientToken: str) -> Params:
        execution = self._execution(executionArn)
        if execution.status in {"RUNNING", "SUCCEEDED"}:
            raise AwsError("it runs, or has succeeded", code="ExecutionNotRedrivable")
        execution.status, execution.error, execution.cause = "RUNNING", None, None
        execution.redrives, execution.redriven = execution.redrives + 1, self._now()
        return {"redriveDate": execution.redriven}

    def stop_execution(
        self, *, executionArn: str, error: str | None = None, cause: str | None = None
    ) -> Params:
        execution = self._execution(executionArn)
        self.on_stop(execution)
        if execution.status == "RUNNING":
            execution.fail(error, cause, status="ABORTED")
        return {"stopDate": self._now()}

    def get_execution_history(
        self, *, executionArn: str, reverseOrder: bool, includeExecutionData: bool, maxResults: int
    ) -> Params:
        assert reverseOrder
        assert not includeExecutionData
        events = [
            {"timestamp": self._now(), "previousEventId": event["id"] - 1, **event}
            for event in self._execution(executionArn).history
        ]
        return {"events": list(reversed(events))[:maxResults]}

    def _execution(self, arn: str) -> FakeExecution:
        if arn not in self.executions or arn in self.invisible:
            raise AwsError(f"Execution Does Not Exist: '{arn}'", code="ExecutionDoesNotExist")
        return self.executions[arn]

    def _type(self, arn: str) -> str:
        if arn not in self.machines:
            raise AwsError(f"State Machine Does Not Exist: '{arn}'", code="StateMachineDoesNotExist")
        return self.machines[arn]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)


def _description(execution: FakeExecution) -> dict[str, Any]:
    return {
        "executionArn": execution.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started,
        "input": execution.input,
        "output": execution.output,
        "error": execution.error,
        "cause": execution.cause,
        "redriveDate": execution.redriven,
    }

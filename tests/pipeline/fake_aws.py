"""Step Functions and CodePipeline in memory, as the trigger sees them: botocore's shapes and limits.

Executions do not run; a test says what has become of them. CodePipeline takes one answer
for each job that it knows, and refuses what its model refuses.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stepline.localaws.protocol import AwsError, JsonService, Params

NOT_FOUND = "ExecutionDoesNotExist"


@dataclass
class FakeExecution:
    arn: str
    name: str
    input: str
    started: datetime
    status: str = "RUNNING"
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)

    def succeed(self, output: str = "{}") -> None:
        self.status, self.output = "SUCCEEDED", output

    def fail(self, error: str | None, cause: str | None, *, status: str = "FAILED") -> None:
        self.status, self.error, self.cause = status, error, cause


class _Recorded(JsonService):
    """Records each call, and fails those that a test has asked to fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Params]] = []
        self._failures: dict[str, list[AwsError]] = {}

    def fail_next(self, operation: str, code: str, *, status: int = 400, times: int = 1) -> None:
        error = AwsError(f"{code} of the test", code=code, status=status)
        self._failures.setdefault(operation, []).extend([error] * times)

    def record(self, operation: str, params: Params) -> None:
        self.calls.append((operation, params))
        if waiting := self._failures.get(operation):
            raise waiting.pop(0)

    @property
    def called(self) -> list[str]:
        return [operation for operation, _ in self.calls]


class FakeStepFunctions(_Recorded):
    service_name = "stepfunctions"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self.machines: dict[str, str] = {}
        self.executions: dict[str, FakeExecution] = {}
        self.invisible: set[str] = set()
        self.on_stop: Callable[[FakeExecution], None] | None = None
        self.sync_result: Callable[[FakeExecution], None] = FakeExecution.succeed
        self.sync_started: list[str] = []

    def describe_state_machine(self, params: Params) -> Params:
        self.record("DescribeStateMachine", params)
        arn = params["stateMachineArn"]
        return {
            "stateMachineArn": arn,
            "name": arn.rpartition(":")[2],
            "type": self._type(arn),
            "definition": "{}",
            "roleArn": "arn:aws:iam::000000000000:role/machine",
            "creationDate": self._now(),
        }

    def start_execution(self, params: Params) -> Params:
        self.record("StartExecution", params)
        machine, name = params["stateMachineArn"], params["name"]
        self._type(machine)
        arn = machine.replace(":stateMachine:", ":execution:") + f":{name}"
        existing = self.executions.get(arn)
        if existing is not None and (existing.status != "RUNNING" or existing.input != params["input"]):
            raise AwsError(f"Execution Already Exists: '{arn}'", code="ExecutionAlreadyExists")
        execution = existing or FakeExecution(arn, name, params["input"], self._now())
        self.executions[arn] = execution
        return {"executionArn": arn, "startDate": execution.started}

    def start_sync_execution(self, params: Params) -> Params:
        self.record("StartSyncExecution", params)
        machine, name = params["stateMachineArn"], params["name"]
        if self._type(machine) != "EXPRESS":
            raise AwsError("not an Express state machine", code="StateMachineTypeNotSupported")
        arn = machine.replace(":stateMachine:", ":express:") + f":{name}:1234"
        execution = FakeExecution(arn, name, params["input"], self._now())
        self.sync_started.append(name)
        self.sync_result(execution)
        return {
            **self._described(execution),
            "stopDate": self._now(),
        }

    def describe_execution(self, params: Params) -> Params:
        self.record("DescribeExecution", params)
        return self._described(self._execution(params))

    def stop_execution(self, params: Params) -> Params:
        self.record("StopExecution", params)
        execution = self._execution(params)
        if self.on_stop is not None:
            self.on_stop(execution)
        if execution.status == "RUNNING":
            execution.fail(params.get("error"), params.get("cause"), status="ABORTED")
        return {"stopDate": self._now()}

    def get_execution_history(self, params: Params) -> Params:
        self.record("GetExecutionHistory", params)
        assert params["reverseOrder"] is True
        assert params["includeExecutionData"] is False
        events = [
            {"timestamp": self._now(), "previousEventId": event["id"] - 1, **event}
            for event in self._execution(params).history
        ]
        return {"events": list(reversed(events))[: params["maxResults"]]}

    def _execution(self, params: Params) -> FakeExecution:
        arn = params["executionArn"]
        if arn not in self.executions or arn in self.invisible:
            raise AwsError(f"Execution Does Not Exist: '{arn}'", code=NOT_FOUND)
        return self.executions[arn]

    def _described(self, execution: FakeExecution) -> dict[str, Any]:
        return {
            "executionArn": execution.arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": execution.started,
            "input": execution.input,
            "output": execution.output,
            "error": execution.error,
            "cause": execution.cause,
        }

    def _type(self, arn: str) -> str:
        if arn not in self.machines:
            raise AwsError(f"State Machine Does Not Exist: '{arn}'", code="StateMachineDoesNotExist")
        return self.machines[arn]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


class FakeCodePipeline(_Recorded):
    service_name = "codepipeline"

    def __init__(self) -> None:
        super().__init__()
        self.open_jobs: set[str] = set()
        self.answers: dict[str, Params] = {}
        self.ignores_answers = False

    def put_job_success_result(self, params: Params) -> None:
        self.record("PutJobSuccessResult", params)
        if params.get("outputVariables") is not None and params.get("continuationToken") is not None:
            raise AwsError("output variables cannot go with a continuation token", code="ValidationException")
        total = sum(
            len(name) + len(value.encode()) for name, value in params.get("outputVariables", {}).items()
        )
        if total > 122_880:
            raise AwsError("too large", code="OutputVariablesSizeExceededException")
        self._close(params)

    def put_job_failure_result(self, params: Params) -> None:
        self.record("PutJobFailureResult", params)
        self._close(params)

    def _close(self, params: Params) -> None:
        job_id = params["jobId"]
        if job_id in self.answers:
            raise AwsError("The job was answered before", code="InvalidJobStateException")
        if job_id not in self.open_jobs:
            raise AwsError("no such job", code="JobNotFoundException")
        self.answers[job_id] = params

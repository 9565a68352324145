"""Counts the AWS calls of an action whose execution takes an hour, on a virtual clock.

CodePipeline is the local one, the trigger and the worker are the deployed code, and Step Functions and
DynamoDB are fakes.
"""

from __future__ import annotations

import contextlib
import io
import json
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.model import OperationModel

from pipeline.limits import MAX_HOLD_MINUTES
from pipeline.settings import load_settings
from pipeline.trigger import Trigger
from pipeline.worker import Worker
from pipeline.worker_settings import load_worker_settings
from stepline.localaws.codepipeline import Settings
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import JsonService, Params
from tests.fakes.clients import client_of
from tests.fakes.dynamodb import FakeDynamoDb
from tests.fakes.scheduler import FakeScheduler
from tests.fakes.step_functions import FakeExecution, FakeStepFunctions
from tests.localaws.codepipeline import fakes
from tests.pipeline.worker_environment import OPEN_JOBS, WORKER_ENVIRONMENT
from tests.pipeline.world import FakeClients, LambdaContext

POLL_SECONDS = 30.0
"""Between two jobs of the Lambda action, and two DescribeExecution of CodePipeline's own action [ours]. AWS
does not document either."""

SWEEP_SECONDS = 30 * 60.0
"""Between two sweeps of the worker [template: SweepMinutes]."""

HELD_JOBS_SECONDS = 3 * 60.0
"""Between two checks of the held jobs of Lambda actions [template: HeldJobsRule]."""

_HOUR_SECONDS = 3600.0
_START_SECONDS = 20.0
"""After this time the action has started its execution, and only waits; shorter than `POLL_SECONDS`."""
_END_SECONDS = 60.0
"""After the end of the execution, the result is reported within this time."""

_MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:deploy"
_STATUS_CHANGE = "Step Functions Execution Status Change"
_ACTION_TYPE = {"category": "Invoke", "provider": "Stepline", "version": "1"}
_FILE = {"state_machine_input.json": b'{"stackName": "shop"}'}
_ENVIRONMENT = {**WORKER_ENVIRONMENT, "STATE_MACHINE_ARN": _MACHINE}


@dataclass(frozen=True)
class ActionCalls:
    """AWS calls and invocations: of the start, of an hour in which the execution runs, and of the end."""

    start: Counter[str]
    hour: Counter[str]
    end: Counter[str]

    @property
    def fixed(self) -> Counter[str]:
        return self.start + self.end

    @property
    def hourly(self) -> int:
        """The AWS calls of an hour of waiting."""
        return count_calls(self.hour)


INVOCATION = "(invocation)"
"""Counts the invocations of the function, which are no calls of it."""


def count_calls(calls: Counter[str]) -> int:
    return sum(count for name, count in calls.items() if name != INVOCATION)


def measure() -> dict[str, ActionCalls]:
    """Return the calls by the name of the action."""
    with contextlib.redirect_stdout(io.StringIO()):  # the functions' metrics
        return {name: way().measure() for name, way in _ACTIONS.items()}


class _Counted(JsonService):
    """Counts the calls to a service."""

    def __init__(self, service: JsonService, calls: Counter[str]) -> None:
        self.service_name = service.service_name  # type: ignore[misc]
        self._service, self._calls = service, calls

    def call(self, operation: OperationModel, document: Any) -> Params:
        self._calls[operation.name] += 1
        return self._service.call(operation, document) or {}


class _Action(ABC):
    """A pipeline whose action runs a state machine, in one of several ways."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.world = fakes.World(
            settings=Settings(
                start_on_create=False,
                identifier_seed=1,
                continuation_seconds=self.continuation_seconds,
                poll_seconds=POLL_SECONDS,
            )
        )
        self.world.source.files = dict(_FILE)
        self.stepfunctions = FakeStepFunctions(clock=self.now, machines={_MACHINE: "STANDARD"})
        self.dynamodb = FakeDynamoDb(tables=[(OPEN_JOBS, "firstJob")])
        self.scheduler = FakeScheduler()
        self._published = 0

    continuation_seconds = POLL_SECONDS

    @abstractmethod
    def declaration(self) -> dict[str, Any]:
        """Return the type and the configuration of the action, and create what it needs."""

    def publish(self, event: AwsEvent) -> None:  # noqa: B027 - only one way has events
        """Deliver an event."""

    def execution_ended(self, execution: FakeExecution) -> None:  # noqa: B027
        """Deliver the status event of the execution."""

    def measure(self) -> ActionCalls:
        declaration = {"name": "Deploy", "inputArtifacts": [{"name": "SourceOutput"}], **self.declaration()}
        self.world.create(fakes.stage("Deploy", declaration))
        execution_id = self.world.start()
        parts = [self._advance(_START_SECONDS), self._advance(_HOUR_SECONDS)]
        (execution,) = self.stepfunctions.executions.values()
        execution.succeed()
        self.execution_ended(execution)
        parts.append(self._advance(_END_SECONDS))
        assert self.world.status(execution_id) == "Succeeded"
        return ActionCalls(*parts)

    def now(self) -> float:
        return self.world.clock.now().timestamp()

    def clients(self) -> FakeClients:
        """Return clients whose calls are counted, for the trigger or the worker."""
        clients = FakeClients(
            self.counted(self.stepfunctions), self.counted(self.world.service), self.world.s3
        )
        clients.dynamodb = self.counted(self.dynamodb)
        clients.scheduler = self.counted(self.scheduler)
        return clients

    def counted(self, service: JsonService) -> Any:
        return client_of(_Counted(service, self.calls))

    def invoke(self, function: Any, event: Any) -> None:
        """Run a function, and count what it reads from S3."""
        self.calls[INVOCATION] += 1
        read = len(self.world.s3.called("GetObject"))
        function.handle(event, LambdaContext())
        self.calls["GetObject"] += len(self.world.s3.called("GetObject")) - read

    def _advance(self, seconds: float) -> Counter[str]:
        """Let time pass, and return the calls since then."""
        end = self.now() + seconds
        while self.now() < end:
            self.world.clock.advance(min(1.0, end - self.now()))
            while self._published < len(self.world.events):
                self._published += 1
                self.publish(self.world.events[self._published - 1])
        counted = +self.calls
        self.calls.clear()
        return counted


class _LambdaAction(_Action):
    hold_minutes = 0

    def declaration(self) -> dict[str, Any]:
        settings = load_settings({**_ENVIRONMENT, "HOLD_MINUTES": str(self.hold_minutes)})
        trigger = Trigger(self.clients(), settings, self.now)
        self.world.lambda_.functions["trigger"] = lambda job: self.invoke(trigger, {"CodePipeline.job": job})
        return {
            "actionTypeId": {"category": "Invoke", "owner": "AWS", "provider": "Lambda", "version": "1"},
            "configuration": {"FunctionName": "trigger"},
        }


class _WithWorker(_Action):
    """An action whose execution's status event wakes the worker."""

    def start_worker(self) -> None:
        bounds = {"minimumCount": 0, "maximumCount": 5}
        self.world.client.create_custom_action_type(
            **_ACTION_TYPE, inputArtifactDetails=bounds, outputArtifactDetails=bounds
        )
        self._worker = Worker(
            self.clients(),
            load_settings(_ENVIRONMENT),
            load_worker_settings(_ENVIRONMENT),
            clock=self.now,
            sleep=self.world.clock.advance,
        )
        self.repeat(SWEEP_SECONDS, "Scheduled Event")

    def repeat(self, seconds: float, detail_type: str) -> None:
        """Send the event of a schedule every `seconds`."""

        def send() -> None:
            self.world.clock.call_later(seconds, send)
            self.send(detail_type, {})

        self.world.clock.call_later(seconds, send)

    def execution_ended(self, execution: FakeExecution) -> None:
        detail = {"executionArn": execution.arn, "status": execution.status}
        self.world.clock.call_later(1, partial(self.send, _STATUS_CHANGE, detail))

    def send(self, detail_type: str, detail: dict[str, Any]) -> None:
        self.invoke(self._worker, json.loads(json.dumps({"detail-type": detail_type, "detail": detail})))


class _HeldLambdaAction(_WithWorker, _LambdaAction):
    hold_minutes = MAX_HOLD_MINUTES

    def declaration(self) -> dict[str, Any]:
        self.start_worker()
        self.repeat(HELD_JOBS_SECONDS, "Held Jobs")
        return super().declaration()


class _CustomAction(_WithWorker):
    continuation_seconds = 0.0

    def declaration(self) -> dict[str, Any]:
        self.start_worker()
        return {"actionTypeId": {**_ACTION_TYPE, "owner": "Custom"}, "configuration": {}}

    def publish(self, event: AwsEvent) -> None:
        if event.detail.get("state") == "STARTED" and event.detail.get("type", {}).get("owner") == "Custom":
            self.send(event.detail_type, dict(event.detail))


class _StepFunctionsAction(_Action):
    def declaration(self) -> dict[str, Any]:
        self.world.services["stepfunctions"] = self.counted(self.stepfunctions)
        return {
            "actionTypeId": {
                "category": "Invoke",
                "owner": "AWS",
                "provider": "StepFunctions",
                "version": "1",
            },
            "configuration": {"StateMachineArn": _MACHINE, "Input": "{}"},
        }


LAMBDA, HELD = "Lambda action, polling", "Lambda action, with events"
CUSTOM, NATIVE = "custom action", "`StepFunctions` action"
_ACTIONS: dict[str, type[_Action]] = {
    LAMBDA: _LambdaAction,
    HELD: _HeldLambdaAction,
    CUSTOM: _CustomAction,
    NATIVE: _StepFunctionsAction,
}

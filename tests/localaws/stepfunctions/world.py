"""The local Step Functions with a client, functions and recorded events."""

from __future__ import annotations

import json
import threading
from collections import UserDict
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stepline.core.executions.history import failed_state, parse_event
from stepline.localaws.clock import Clock, VirtualClock
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import in_process_client
from stepline.localaws.stepfunctions.interpreter import (
    HttpConnection,
    HttpConnections,
    HttpRequest,
    no_connections,
)
from tests.in_process_functions import Handler, InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions

ROLE_ARN = "arn:aws:iam::000000000000:role/machine"
MACHINE_ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:machine"
SECONDS_UNTIL_A_TEST_FAILS = 20.0

State = Mapping[str, Any]
WAIT: dict[str, State] = {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}
PASS: dict[str, State] = {"Pass": {"Type": "Pass", "End": True}}


class CopiedRecords(UserDict[str, dict[str, Any]]):
    """State machines in a mapping that returns copies, as that of ministack does."""

    def __getitem__(self, arn: str) -> dict[str, Any]:
        return dict(super().__getitem__(arn))


class World:
    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or VirtualClock()
        self.handlers: dict[str, Handler] = {}
        self.functions = InProcessFunctions(self.handlers)
        self.events: list[AwsEvent] = []
        self.machines = CopiedRecords()
        self.clients: dict[str, Any] = {"lambda": self.functions}
        self.http_connections: HttpConnections = no_connections
        self._closing = threading.Semaphore(0)
        self.service = build_stepfunctions(
            self.clock,
            self.clients.__getitem__,
            events=self._on_event,
            state_machines=self.machines,
            http_connections=self._connection,
        )
        self.client = in_process_client(self.service, config=Config(retries={"max_attempts": 0}))
        self.clients["stepfunctions"] = self.client

    def close(self) -> None:
        self.service.close()

    def _connection(self, request: HttpRequest) -> HttpConnection:
        return self.http_connections(request)

    def create(self, states: Mapping[str, State], *, name: str = "machine", **settings: Any) -> str:
        """Create a machine that starts at the first state; `settings` are its `type` and top-level fields."""
        kind = settings.pop("type", "STANDARD")
        definition = {"StartAt": next(iter(states)), "States": dict(states), **settings}
        arn: str = self.client.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=ROLE_ARN, type=kind
        )["stateMachineArn"]
        return arn

    def start(self, arn: str = MACHINE_ARN, data: Any = None, **settings: Any) -> str:
        execution_arn: str = self.client.start_execution(
            stateMachineArn=arn, input=json.dumps({} if data is None else data), **settings
        )["executionArn"]
        return execution_arn

    def run(self, states: Mapping[str, State], data: Any = None, **settings: Any) -> Outcome:
        """Create the machine, start it and move the clock until nothing is left to run."""
        arn = self.start(self.create(states, **settings), data)
        self.virtual_clock.run()
        return Outcome(self, arn)

    def run_in_real_time(self, states: Mapping[str, State], data: Any = None) -> Outcome:
        arn = self.start(self.create(states), data)
        assert self._closing.acquire(timeout=SECONDS_UNTIL_A_TEST_FAILS), "the execution does not end"
        return Outcome(self, arn)

    @property
    def virtual_clock(self) -> VirtualClock:
        assert isinstance(self.clock, VirtualClock)
        return self.clock

    def statuses(self) -> list[str]:
        return [event.detail["status"] for event in self.events]

    def _on_event(self, event: AwsEvent) -> None:
        self.events.append(event)
        if event.detail["status"] != "RUNNING":
            self._closing.release()


class Outcome:
    """An execution as the client sees it."""

    def __init__(self, world: World, arn: str) -> None:
        self.arn = arn
        self.description = world.client.describe_execution(executionArn=arn)
        self.history: list[dict[str, Any]] = world.client.get_execution_history(
            executionArn=arn, maxResults=1000
        )["events"]

    @property
    def status(self) -> str:
        status: str = self.description["status"]
        return status

    @property
    def output(self) -> Any:
        assert self.status == "SUCCEEDED", self.description
        return json.loads(self.description["output"])

    @property
    def path(self) -> list[str]:
        """The names of the states in the order in which they were entered, repetitions included."""
        return [str(event.name) for event in map(parse_event, self.history) if event.is_entered]

    @property
    def failed_state(self) -> str | None:
        newest_first = [parse_event(event) for event in reversed(self.history)]
        found = failed_state(newest_first, self.description.get("error"))
        return found and found.name

    @property
    def seconds(self) -> float:
        duration = self.description["stopDate"] - self.description["startDate"]
        return float(duration.total_seconds())


def task(function: str, **fields: Any) -> State:
    return {
        "Type": "Task",
        "Resource": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


def error_of(call: Any, **parameters: Any) -> tuple[str, str]:
    """Return code and message of the error that the call raises."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]

"""The process in memory: an S3 with conditional writes, both state machines, all functions, virtual time."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statemachines.process.transaction import Transaction
from stepline.localaws.clock import VirtualClock
from tests.fakes.clients import client_of
from tests.fakes.s3 import FakeS3
from tests.fakes.sparse_file import bytes_of
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines.execution import ROLE_ARN, read_execution
from tests.system_template import SystemTemplate, machine_arn

PROJECT = Path(__file__).parents[3]
LOCAL_EVENTS = PROJECT / "local_events"
BUCKET = "databucket"
OWNER = "a1b2c3d4e5"
PROCESS, DOWNSTREAM = "ProcessStateMachine", "DownstreamStateMachine"

_EVENTS = {
    "start_process": "start_process/new_process",
    "process_state": "process_state/transaction",
    "process_data": "process_data/transaction",
}


@functools.cache
def template() -> SystemTemplate:
    return SystemTemplate("process")


def environment() -> dict[str, str]:
    """Return the variables of all functions: those of the same name have the same value."""
    functions = template().functions.values()
    return {name: value for function in functions for name, value in function.environment.items()}


@dataclass(frozen=True)
class Reply:
    """What the caller of an endpoint receives."""

    status: int
    headers: Mapping[str, str]
    body: Any


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.s3 = FakeS3()
        self.handlers = {name: function.handler for name, function in template().functions.items()}
        self.functions = InProcessFunctions(self.handlers)
        self._service = build_stepfunctions(self.clock, lambda _service: self.functions)
        self.stepfunctions = client_of(self._service)
        for name, definition in template().machines().items():
            self.stepfunctions.create_state_machine(name=name, definition=definition, roleArn=ROLE_ARN)

    def client(self, service: str) -> Any:
        return {"s3": client_of(self.s3), "stepfunctions": self.stepfunctions}[service]

    def close(self) -> None:
        self._service.close()

    # ---------------------------------------------------------------- what a caller does

    def call(self, endpoint: str, request: Mapping[str, Any]) -> Reply:
        """Send a request; it may have body, base64, query (all values by name), apiKeyId, contentType."""
        function = "".join(word.capitalize() for word in endpoint.split("_")) + "Function"
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(event(endpoint, request)))
        assert "FunctionError" not in answer
        proxy = json.loads(answer["Payload"].read())
        assert set(proxy) == {"statusCode", "headers", "body", "isBase64Encoded"}
        return Reply(proxy["statusCode"], proxy["headers"], json.loads(proxy["body"]))

    def start(self, process_input: Any, *, owner: str = OWNER) -> str:
        """Start a process and return the transaction's id."""
        body = json.dumps({"processInput": process_input})
        reply = self.call("start_process", {"body": body, "apiKeyId": owner})
        assert reply.status == 200, reply
        return str(reply.body["transactionId"])

    def get(self, endpoint: str, transaction_id: str, *, owner: str = OWNER) -> Reply:
        return self.call(endpoint, {"query": {"transactionId": [transaction_id]}, "apiKeyId": owner})

    def execute(self, document: Any, *, name: str) -> dict[str, Any]:
        """Run the process without the API, as a pipeline does, and return its description at the end."""
        self.stepfunctions.start_execution(
            stateMachineArn=machine_arn(PROCESS), name=name, input=json.dumps(document)
        )
        self.run()
        return self.executions(PROCESS)[0]

    # ---------------------------------------------------------------- what happens

    def data(self, transaction_id: str, *, owner: str = OWNER) -> dict[str, Any]:
        """Return the stored data of a transaction."""
        content = bytes_of(self.s3.objects[BUCKET, Transaction(owner, transaction_id).key])
        document: dict[str, Any] = json.loads(content)
        return document

    def run(self) -> None:
        """Move the clock until all executions have ended."""
        self.clock.run(until=lambda: not self._running())

    def executions(self, machine: str) -> list[dict[str, Any]]:
        listed = self.stepfunctions.list_executions(stateMachineArn=machine_arn(machine))["executions"]
        return [self.stepfunctions.describe_execution(executionArn=item["executionArn"]) for item in listed]

    def path(self, machine: str) -> list[str]:
        """Return the states of the one execution, and each error with which a task ended."""
        (execution,) = self.executions(machine)
        path = []
        for item in read_execution(self.stepfunctions, execution["executionArn"]).history:
            if "stateEnteredEventDetails" in item:
                path.append(item["stateEnteredEventDetails"]["name"])
            elif item["type"] == "TaskFailed":
                path.append(item["taskFailedEventDetails"]["error"])
        return path

    def _running(self) -> list[str]:
        executions = [item for machine in (PROCESS, DOWNSTREAM) for item in self.executions(machine)]
        return [item["executionArn"] for item in executions if item["status"] == "RUNNING"]


def event(endpoint: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event that API Gateway makes of the request: the endpoint's local event, with its values."""
    found: dict[str, Any] = copy.deepcopy(
        json.loads((LOCAL_EVENTS / f"{_EVENTS[endpoint]}.json").read_text())
    )
    if "body" in request:
        found["body"] = request["body"]
        found["isBase64Encoded"] = request.get("base64", False)
    if "query" in request:
        query = request["query"]
        found["multiValueQueryStringParameters"] = query
        found["queryStringParameters"] = query and {name: values[-1] for name, values in query.items()}
    if "contentType" in request:
        found["headers"]["Content-Type"] = request["contentType"]
    if "apiKeyId" in request:
        found["requestContext"]["identity"]["apiKeyId"] = request["apiKeyId"]
    return found

"""What the process stands in: an S3 with conditional writes, both state machines, virtual time."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statemachines.process.transaction import Transaction
from stepline.localaws.clock import VirtualClock
from tests.faults.deployed import Deployed, machine_arn
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.pipeline.clients import client_of
from tests.pipeline.fake_s3 import FakeS3

PROJECT = Path(__file__).parents[3]
LOCAL_EVENTS = PROJECT / "local_events"
DEPLOYED = Deployed("process")
BUCKET = "databucket"
OWNER = "a1b2c3d4e5"
PROCESS, DOWNSTREAM = "ProcessStateMachine", "DownstreamStateMachine"
ENVIRONMENT = {
    name: value for function in DEPLOYED.functions().values() for name, value in function.environment.items()
}
"""Of all functions together: none has another value than another."""

_EVENTS = {
    "start_process": "start_process/new_process",
    "process_state": "process_state/transaction",
    "process_data": "process_data/transaction",
}


@dataclass(frozen=True)
class Reply:
    """What the caller of an endpoint sees."""

    status: int
    headers: Mapping[str, str]
    body: Any


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.s3 = FakeS3()
        self.handlers = {name: function.handler for name, function in DEPLOYED.functions().items()}
        self.functions = InProcessFunctions(self.handlers)
        self.service = build_stepfunctions(self.clock, lambda _service: self.functions)
        self.stepfunctions = client_of(self.service)
        for name, definition in DEPLOYED.machines().items():
            self.stepfunctions.create_state_machine(
                name=name, definition=definition, roleArn="arn:aws:iam::000000000000:role/machine"
            )

    def client(self, service: str) -> Any:
        return {"s3": self.s3.client, "stepfunctions": lambda: self.stepfunctions}[service]()

    def close(self) -> None:
        self.service.close()

    # ------------------------------------------------------------------ as a caller

    def call(self, endpoint: str, request: Mapping[str, Any]) -> Reply:
        """`request` may have body, base64, query (all values by name), apiKeyId, contentType."""
        function = "".join(word.capitalize() for word in endpoint.split("_")) + "Function"
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(event(endpoint, request)))
        assert "FunctionError" not in answer
        proxy = json.loads(answer["Payload"].read())
        assert set(proxy) == {"statusCode", "headers", "body", "isBase64Encoded"}
        return Reply(proxy["statusCode"], proxy["headers"], json.loads(proxy["body"]))

    def start(self, process_input: Any, *, owner: str = OWNER) -> str:
        """The transaction's id."""
        body = json.dumps({"processInput": process_input})
        reply = self.call("start_process", {"body": body, "apiKeyId": owner})
        assert reply.status == 200, reply
        return str(reply.body["transactionId"])

    def ask(self, endpoint: str, transaction_id: str, *, owner: str = OWNER) -> Reply:
        return self.call(endpoint, {"query": {"transactionId": [transaction_id]}, "apiKeyId": owner})

    # ------------------------------------------------------------------ as a spectator

    def data(self, transaction_id: str, *, owner: str = OWNER) -> dict[str, Any]:
        """What is stored."""
        content = self.s3.objects[BUCKET, Transaction(owner, transaction_id).key]
        document: dict[str, Any] = json.loads(content[0 : len(content)])
        return document

    def run(self) -> None:
        """Everything to its end."""
        self.clock.run(until=lambda: not list(self._running()))

    def executions(self, machine: str) -> list[dict[str, Any]]:
        listed = self.stepfunctions.list_executions(stateMachineArn=machine_arn(machine))["executions"]
        return [self.stepfunctions.describe_execution(executionArn=item["executionArn"]) for item in listed]

    def path(self, machine: str) -> list[str]:
        """What the one execution went through: each state, and each error that a task ended with."""
        (execution,) = self.executions(machine)
        pages = self.stepfunctions.get_paginator("get_execution_history")
        return [
            step
            for page in pages.paginate(executionArn=execution["executionArn"])
            for item in page["events"]
            for step in _step(item)
        ]

    def _running(self) -> Iterator[str]:
        for machine in (PROCESS, DOWNSTREAM):
            for execution in self.executions(machine):
                if execution["status"] == "RUNNING":
                    yield execution["executionArn"]


def _step(event: Mapping[str, Any]) -> Iterator[str]:
    if "stateEnteredEventDetails" in event:
        yield event["stateEnteredEventDetails"]["name"]
    elif event["type"] == "TaskFailed":
        yield event["taskFailedEventDetails"]["error"]


def event(endpoint: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """What API Gateway makes of the request: the endpoint's local event, with what the request has."""
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

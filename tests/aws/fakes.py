"""Clients with fixed answers, a target that uses them, and functions with a log group in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3

from stepline.aws.functions import Function
from stepline.aws.target import Target, local_session
from stepline.core.local_aws import DEFAULT_REGION
from tests.localaws.codepipeline.fakes import client_error

ENDPOINT = "http://127.0.0.1:4566"

FUNCTIONS = [
    Function("stepline-CreateChangeSetFunction-B2", "CreateChangeSetFunction", "stepline"),
    Function("stepline-CreateStackFunction-A1", "CreateStackFunction", "stepline"),
    Function("stepline-TriggerFunction-C3", "TriggerFunction", "stepline"),
    Function("unrelated", None),
]
LIST_FUNCTIONS = {"Functions": [{"FunctionName": function.name} for function in FUNCTIONS]}
LIST_STACK_RESOURCES = {
    "StackResourceSummaries": [
        {
            "ResourceType": "AWS::Lambda::Function",
            "PhysicalResourceId": function.name,
            "LogicalResourceId": function.logical_id,
        }
        for function in FUNCTIONS
        if function.logical_id
    ]
}
DESCRIBE_STACKS = {"Stacks": [{"StackName": "stepline"}]}
LOG_GROUP = "/aws/lambda/stepline-TriggerFunction-C3"


@dataclass
class Answers:
    """A client with fixed answers by operation; an answer that is an exception is raised."""

    answers: Mapping[str, Any]

    def __getattr__(self, operation: str) -> Any:
        answer = self.answers[operation]

        def call(**params: Any) -> Any:
            result = answer(params) if callable(answer) else answer
            if isinstance(result, Exception):
                raise result
            return result

        return call

    def get_paginator(self, operation: str) -> Any:
        def paginate(**params: Any) -> Iterator[Any]:
            yield getattr(self, operation)(**params)

        return SimpleNamespace(paginate=paginate)


class Logs:
    """The log group of a function; `calls` are the times from which events were requested."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.exists = True
        self.calls: list[int] = []

    @property
    def client(self) -> Any:
        return Answers({"filter_log_events": self.filter_log_events})

    def add(self, message: str, *, seconds_ago: float = 1.0) -> None:
        time = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        number = str(len(self.events))
        event = {"eventId": number, "timestamp": int(time.timestamp() * 1000), "message": f"{message}\n"}
        self.events.append(event)

    def filter_log_events(self, params: dict[str, Any]) -> Any:
        assert params["logGroupName"] == LOG_GROUP
        self.calls.append(params["startTime"])
        if not self.exists:
            return client_error("ResourceNotFoundException", "FilterLogEvents")
        return {"events": [event for event in self.events if event["timestamp"] >= params["startTime"]]}


def target_of(*, is_local: bool = True, session: boto3.Session | None = None, **clients: Any) -> Target:
    endpoint = ENDPOINT if is_local else None
    session = session or local_session(DEFAULT_REGION)
    # lambda_ for `lambda`, a keyword
    known = {(name.rstrip("_"), DEFAULT_REGION): client for name, client in clients.items()}
    known.setdefault(
        ("dynamodb", DEFAULT_REGION), Answers({"list_tables": {"TableNames": []}})
    )  # no change waits
    return Target(session, endpoint, DEFAULT_REGION, None, is_local, None, known)


def target_with_functions(**clients: Any) -> Target:
    """Return a target with `FUNCTIONS` and other `clients`."""
    return target_of(
        lambda_=Answers({"list_functions": LIST_FUNCTIONS}),
        **{
            "cloudformation": Answers(
                {"list_stack_resources": LIST_STACK_RESOURCES, "describe_stacks": DESCRIBE_STACKS}
            ),
            "stepfunctions": Answers({"list_state_machines": {"stateMachines": []}}),
            **clients,
        },
    )

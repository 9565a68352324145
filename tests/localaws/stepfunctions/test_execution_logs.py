"""The events of executions in CloudWatch Logs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.localaws.stepfunctions.execution_logs import is_logged
from stepline.localaws.stepfunctions.settings import MAX_EVENT_DATA_BYTES
from tests.localaws.stepfunctions.world import MACHINE_ARN, PASS, ROLE_ARN, World, error_of, task

GROUP_ARN = "arn:aws:logs:us-east-1:000000000000:log-group:group:*"
FAIL = {"Fail": {"Type": "Fail", "Error": "SomeFailure", "Cause": "why"}}


class Logs:
    """CloudWatch Logs with the group `group`."""

    def __init__(self) -> None:
        self.streams: dict[str, list[dict[str, Any]]] = {}

    def get_paginator(self, _operation: str) -> Logs:
        return self

    def paginate(self, *, logGroupNamePrefix: str) -> list[dict[str, Any]]:
        return [
            {"logGroups": [{"logGroupName": logGroupNamePrefix}] if logGroupNamePrefix == "group" else []}
        ]

    def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> None:
        assert logGroupName == "group"
        self.streams[logStreamName] = []

    def put_log_events(
        self, *, logGroupName: str, logStreamName: str, logEvents: list[dict[str, Any]]
    ) -> None:
        assert logGroupName == "group"
        self.streams[logStreamName] += logEvents

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(event["message"]) for stream in self.streams.values() for event in stream]


@pytest.fixture
def logs(world: World) -> Logs:
    world.clients["logs"] = logs = Logs()
    return logs


def create(world: World, states: Any, level: str = "ALL", *, data: bool = True, **settings: Any) -> str:
    configuration = {
        "level": level,
        "includeExecutionData": data,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": settings.pop("group", GROUP_ARN)}}],
    }
    definition = {"StartAt": next(iter(states)), "States": states}
    arn: str = world.client.create_state_machine(
        name="machine",
        definition=json.dumps(definition),
        roleArn=ROLE_ARN,
        loggingConfiguration=configuration,
        **settings,
    )["stateMachineArn"]
    return arn


def run(world: World, states: Any, level: str = "ALL", *, data: bool = True, **settings: Any) -> str:
    arn = world.start(create(world, states, level, data=data, **settings), {"a": "b"})
    world.virtual_clock.run()
    return arn


def test_events_are_delivered_in_the_documented_shape(world: World, logs: Logs) -> None:
    """[recorded]"""
    execution = run(world, PASS)
    started = 1767225600000
    rest = {"event_timestamp": str(started), "execution_arn": execution, "redrive_count": "0"}
    details = {"input": '{"a":"b"}', "inputDetails": {"truncated": False}}
    output = {"output": '{"a":"b"}', "outputDetails": {"truncated": False}}
    messages = [
        {**message, "details": {name: _compact(value) for name, value in message["details"].items()}}
        for message in logs.messages
    ]
    assert messages == [
        {"id": "1", "type": "ExecutionStarted", "details": {**details, "roleArn": ROLE_ARN},
         "previous_event_id": "0", **rest},
        {"id": "2", "type": "PassStateEntered", "details": {**details, "name": "Pass"},
         "previous_event_id": "0", **rest},
        {"id": "3", "type": "PassStateExited", "details": {**output, "name": "Pass"},
         "previous_event_id": "2", **rest},
        {"id": "4", "type": "ExecutionSucceeded", "details": output, "previous_event_id": "3", **rest},
    ]  # fmt: skip
    (stream,) = logs.streams
    assert re.fullmatch(r"states/machine/2026-01-01-00-00/[0-9a-f]{8}", stream)
    assert [event["timestamp"] for event in logs.streams[stream]] == [started] * 4


def _compact(value: Any) -> Any:
    return value.replace(" ", "") if isinstance(value, str) else value


def test_log_without_data_has_no_input_output_or_parameters(world: World, logs: Logs) -> None:
    world.handlers["echo"] = lambda event, _context: event
    run(world, {"Echo": task("echo")}, data=False)
    assert '\\"b\\"' not in json.dumps(logs.messages)
    assert logs.messages[0]["details"] == {"roleArn": ROLE_ARN}
    assert logs.messages[-1]["details"] == {}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("ALL", ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]),
        ("ERROR", ["FailStateEntered", "ExecutionFailed"]),
        ("FATAL", ["ExecutionFailed"]),
        ("OFF", []),
    ],
)
def test_level_selects_events(world: World, logs: Logs, level: str, expected: list[str]) -> None:
    """[recorded]"""
    run(world, FAIL, level)
    assert [message["type"] for message in logs.messages] == expected
    assert all("why" in message["details"].get("cause", "why") for message in logs.messages)


@pytest.mark.parametrize(
    ("event_type", "levels"),
    [
        ("ExecutionAborted", ["ALL", "ERROR", "FATAL"]),
        ("ExecutionTimedOut", ["ALL", "ERROR", "FATAL"]),
        ("LambdaFunctionScheduleFailed", ["ALL", "ERROR"]),
        ("LambdaFunctionTimedOut", ["ALL", "ERROR"]),
        ("MapIterationAborted", ["ALL", "ERROR"]),
        ("MapRunFailed", ["ALL", "ERROR"]),
        ("TaskSubmitFailed", ["ALL", "ERROR"]),
        ("WaitStateAborted", ["ALL", "ERROR"]),
        ("SucceedStateEntered", ["ALL"]),
        ("TaskSubmitted", ["ALL"]),
    ],
)
def test_level_of_an_event_type(event_type: str, levels: list[str]) -> None:
    assert [level for level in ("ALL", "ERROR", "FATAL", "OFF") if is_logged(event_type, level)] == levels


def test_express_execution_is_logged(world: World, logs: Logs) -> None:
    execution = run(world, PASS, type="EXPRESS")
    assert [message["id"] for message in logs.messages] == ["1", "2", "3", "4"]
    assert {message["execution_arn"] for message in logs.messages} == {execution}
    assert ":express:" in execution


def test_redrive_is_counted(world: World, logs: Logs) -> None:
    execution = run(world, FAIL, "FATAL")
    world.client.redrive_execution(executionArn=execution)
    world.virtual_clock.run()
    assert [message["redrive_count"] for message in logs.messages] == ["0", "1"]


def test_long_data_is_truncated(world: World, logs: Logs) -> None:
    world.start(create(world, PASS), {"a": '"' * 127_000})
    world.virtual_clock.run()
    details = logs.messages[0]["details"]
    assert details["inputDetails"] == {"truncated": True}
    assert len(json.dumps(details["input"])) <= MAX_EVENT_DATA_BYTES


def test_execution_goes_on_without_its_log_group(world: World, logs: Logs) -> None:
    def deleted(**_parameters: Any) -> None:
        raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, "PutLogEvents")

    arn = create(world, PASS)
    logs.create_log_stream = deleted  # type: ignore[method-assign]
    execution = world.start(arn)
    world.virtual_clock.run()
    assert world.client.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"


def test_log_group_must_exist(world: World, logs: Logs) -> None:
    """[recorded]"""
    missing = GROUP_ARN.replace(":group:", ":missing:")
    with pytest.raises(ClientError, match=r"Invalid Logging Configuration: Log Destination not found\."):
        create(world, PASS, group=missing)


def test_log_needs_one_destination(world: World, logs: Logs) -> None:
    """[recorded]"""
    world.create(PASS)
    expected = "Invalid Logging Configuration: Must specify exactly one Log Destination."
    for configuration in ({"level": "ALL"}, {"level": "ALL", "destinations": []}):
        error = error_of(
            world.client.update_state_machine, stateMachineArn=MACHINE_ARN, loggingConfiguration=configuration
        )
        assert error == ("InvalidLoggingConfiguration", expected)

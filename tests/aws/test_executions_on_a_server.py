"""What a console reads of an execution on a running local AWS, with a function that writes a log."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.execution_details import ExecutionDetailsReader
from stepline.aws.invocation_logs import LogLines, read_log_lines
from stepline.aws.state_data import StateData
from stepline.aws.target import Target
from stepline.core.executions.describe import Status
from tests.aws.fakes import target_of
from tests.localaws.running_server import Server, running_server
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("running_executions")

_FUNCTION = """
def handler(event, context):
    print("rows:", event["rows"], "password=" + event["password"])
    return {"rows": event["rows"]}
"""
_PARAMETERS = {"FunctionName": "f", "Payload.$": "$"}
_MACHINE = {
    "StartAt": "First",
    "States": {
        "First": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": _PARAMETERS,
            "ResultPath": None,
            "Next": "Second",
        },
        "Second": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {**_PARAMETERS, "Payload": {"rows": 7, "password": "p"}},
            "End": True,
        },
    },
}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "states.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}


def _allow(iam: Any, role: str, action: str) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName=role, PolicyName="test", PolicyDocument=policy)


def _execution(server: Server) -> str:
    """Run the machine, and return the ARN of the execution that has ended."""
    iam, client = server.client("iam"), server.client("stepfunctions")
    server.create_function(_FUNCTION)
    role = iam.create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
    _allow(iam, "test", "logs:*")
    _allow(iam, "machine", "lambda:InvokeFunction")
    machine = client.create_state_machine(name="m", definition=json.dumps(_MACHINE), roleArn=role)
    start = {"stateMachineArn": machine["stateMachineArn"], "name": "e"}
    arn = str(client.start_execution(**start, input='{"rows": 3, "password": "hunter2"}')["executionArn"])
    wait_for(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING", seconds=30)
    return arn


def _read_log(target: Target, data: StateData, request_ids: Collection[str] = ()) -> LogLines:
    assert data.function is not None
    visit = data.visit
    return read_log_lines(target, data.function, visit.entered, visit.exited, request_ids=request_ids)


def _requests(log: LogLines) -> list[str]:
    return [line.message.split()[2] for line in log.lines if line.message.startswith("START ")]


def test_execution_is_read_with_the_logs_of_its_functions(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        reader = ExecutionDetailsReader(server.client("stepfunctions"), _execution(server))
        details = reader.read()
        assert (details.status, details.failure) == (Status.SUCCEEDED, None)
        assert details.taken == {("First", "Second")}
        first, second = (reader.read_state_data(visit.id) for visit in details.visits)
        assert json.loads(first.input or "") == {"rows": 3, "password": "(hidden)"}
        assert (first.function, len(first.request_ids)) == ("f", 1)
        target = target_of(logs=server.client("logs"))
        wait_for(lambda: len(_requests(_read_log(target, second))) == 2, seconds=20)
        log = _read_log(target, second)
        assert "hunter2" not in repr((details, first, second, reader.read_events(), log))
        for request, rows in zip(_requests(log), (3, 7), strict=True):
            own = _read_log(target, second, [request])
            lines = [line.message for line in own.lines if "RequestId" not in line.message]
            assert (own.is_exact, lines) == (True, [f"rows: {rows} password=(hidden)"])

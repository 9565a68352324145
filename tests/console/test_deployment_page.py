from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.aws.fakes import target_of
from tests.console.client import open_console
from tests.fakes.clients import client_of
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import ENVIRONMENT, Machine

EXECUTION = f"{ENVIRONMENT['STATE_MACHINE_ARN'].replace('stateMachine', 'execution')}:job-1"


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine().connected() as machine:
        yield machine


def console(machine: Machine) -> TestClient:
    return open_console(
        target_of(
            stepfunctions=client_of(machine.stepfunctions), cloudformation=client_of(machine.cloudformation)
        )
    )


def run(machine: Machine, case: str) -> Any:
    case_runner.run(machine, case_runner.load(case))
    return console(machine).get(f"/executions/{EXECUTION}/deployment.json").json()


def test_changes_are_a_table(machine: Machine) -> None:
    changes = run(machine, "replacement_allowed")["deployment"]["changes"]
    assert [(each["path"], each["replacement"]) for each in changes] == [("Queue", "True"), ("Topic", None)]
    html = console(machine).get(f"/executions/{EXECUTION}/deployment").text
    assert "AWS::SQS::Queue" in html
    assert "UPDATE_COMPLETE" in html


def test_refused_change_set_is_named_though_it_is_deleted(machine: Machine) -> None:
    document = run(machine, "removal_refused")
    assert document["isLive"] is False
    assert document["deployment"]["changes"] is None
    assert "no longer has the change set" in console(machine).get(f"/executions/{EXECUTION}/deployment").text


def test_execution_without_a_stack_says_so(machine: Machine) -> None:
    assert run(machine, "input_invalid")["deployment"] is None
    assert "has deployed no stack" in console(machine).get(f"/executions/{EXECUTION}/deployment").text


@pytest.mark.parametrize(
    "arn", [EXECUTION.replace("job-1", "job-2"), "nonsense", EXECUTION.replace(":execution:", ":express:")]
)
def test_unknown_execution_is_not_found(machine: Machine, arn: str) -> None:
    run(machine, "new_stack")
    assert console(machine).get(f"/executions/{arn}/deployment").status_code == 404


def test_reason_of_an_event_is_text(machine: Machine) -> None:
    run(machine, "new_stack")
    stack = machine.cloudformation.stack_named("dev-app")
    assert stack is not None
    stack.events[-1]["ResourceStatusReason"] = "<script>alert(1)</script>"
    html = console(machine).get(f"/executions/{EXECUTION}/deployment").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html

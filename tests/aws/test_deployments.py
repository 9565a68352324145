"""Deployments are read from real executions of the Deploy state machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stepline.aws.deployments import Deployment, DeploymentReader, read_changes
from stepline.aws.redaction import HIDDEN
from stepline.aws.stack_outputs import read_outputs
from stepline.core.executions.arns import ExecutionArn
from tests.fakes.clients import client_of
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import ENVIRONMENT, Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine().connected() as machine:
        yield machine


def reader(machine: Machine) -> DeploymentReader:
    name = f"{ENVIRONMENT['STATE_MACHINE_ARN'].replace('stateMachine', 'execution')}:job-1"
    execution = ExecutionArn.parse(name)
    assert execution is not None
    cloudformation = client_of(machine.cloudformation)
    return DeploymentReader(client_of(machine.stepfunctions), lambda _region: cloudformation, execution)


def deployment(machine: Machine, case: str) -> Deployment | None:
    case_runner.run(machine, case_runner.load(case))
    return reader(machine).read()


def test_update_shows_what_it_changes(machine: Machine) -> None:
    found = deployment(machine, "replacement_allowed")
    assert found is not None
    assert found.stack_name == "dev-app"
    assert found.change_set.startswith("stepline-change-job-1-")
    assert found.changes is not None
    assert [(each.path, each.action, each.replacement) for each in found.changes] == [
        ("Queue", "Modify", "True"),
        ("Topic", "Remove", ""),
    ]


def test_change_set_that_was_deleted_has_no_changes(machine: Machine) -> None:
    found = deployment(machine, "removal_refused")
    assert found is not None
    assert found.change_set
    assert found.changes is None


def test_new_stack_has_events_and_outputs_but_no_change_set(machine: Machine) -> None:
    found = deployment(machine, "new_stack")
    assert found is not None
    assert (found.status, found.change_set, found.changes) == ("CREATE_COMPLETE", "", None)
    assert found.outputs
    assert found.events[0].status == "CREATE_COMPLETE"


def test_execution_that_chose_no_stack_has_no_deployment(machine: Machine) -> None:
    assert deployment(machine, "input_invalid") is None


def test_what_has_ended_is_read_once(machine: Machine) -> None:
    case_runner.run(machine, case_runner.load("new_stack"))
    reading = reader(machine)
    first, calls = reading.read(), len(machine.cloudformation.calls)
    assert reading.has_ended
    assert reading.read() is first
    assert len(machine.cloudformation.calls) == calls


class ChangeSets:
    """Change sets by their id, each of one page."""

    def __init__(self, **pages: dict[str, Any]) -> None:
        self.pages = pages

    def get_paginator(self, _operation: str) -> ChangeSets:
        return self

    def paginate(self, *, ChangeSetName: str) -> list[dict[str, Any]]:
        return [self.pages[ChangeSetName]]


def change(**members: Any) -> dict[str, Any]:
    return {"ResourceChange": {"ResourceType": "AWS::SQS::Queue", "Action": "Modify", **members}}


def test_causes_are_those_of_the_details() -> None:
    details = [
        {"Target": {"Attribute": "Properties", "Name": "QueueName", "RequiresRecreation": "Always"}},
        {
            "Target": {"Attribute": "Properties", "Name": "Policy", "RequiresRecreation": "Conditionally"},
            "CausingEntity": "Topic.Arn",
        },
        {"Target": {"Attribute": "Tags", "RequiresRecreation": "Never"}},
        {"Target": {"Attribute": "Tags", "RequiresRecreation": "Never"}},
    ]
    client = ChangeSets(
        outer={
            "Status": "CREATE_COMPLETE",
            "Changes": [change(LogicalResourceId="Inner", ChangeSetId="inner")],
        },
        inner={
            "Status": "CREATE_COMPLETE",
            "Changes": [change(LogicalResourceId="Queue", Details=details)],
        },
    )
    found = read_changes(client, "outer")  # type: ignore[arg-type]
    assert found is not None
    assert [each.path for each in found] == ["Inner", "Inner/Queue"]
    assert found[1].causes == (
        "property QueueName (always recreates)",
        "property Policy (conditionally recreates), because of Topic.Arn",
        "Tags",
    )


def test_change_set_that_is_being_created_has_no_changes_yet() -> None:
    client = ChangeSets(a={"Status": "CREATE_IN_PROGRESS", "Changes": []})
    assert read_changes(client, "a") is None  # type: ignore[arg-type]


class Templates:
    def __init__(self, body: Any) -> None:
        self.body = body

    def get_template(self, **_arguments: str) -> dict[str, Any]:
        return {"TemplateBody": self.body}


YAML = """
Resources: {}
Outputs:
  Plain: {Value: open}
  Direct: {Value: !Ref Password}
  Inside: {Value: !Sub "postgres://user:${Password}@host"}
  Joined: {Value: !Join [":", [user, !Ref Password]]}
  Similar: {Value: !Sub "${PasswordName}"}
"""
JSON = {
    "Resources": {},
    "Outputs": {"Plain": {"Value": "open"}, "Direct": {"Value": {"Ref": "Password"}}},
}


@pytest.mark.parametrize(
    ("body", "shown"), [(YAML, {"Plain", "Similar"}), (JSON, {"Plain"})], ids=["yaml", "json"]
)
def test_output_of_a_noecho_parameter_is_hidden(body: Any, shown: set[str]) -> None:
    names = ["Plain", "Direct", "Inside", "Joined", "Similar", "Unknown"]
    stack = {
        "StackId": "arn",
        "Parameters": [
            {"ParameterKey": "Password", "ParameterValue": "****"},
            {"ParameterKey": "PasswordName", "ParameterValue": "db"},
        ],
        "Outputs": [{"OutputKey": name, "OutputValue": f"value of {name}"} for name in names],
    }
    found = read_outputs(Templates(body), stack)  # type: ignore[arg-type]
    assert {name for name, value in found.items() if value != HIDDEN} == shown


def test_template_is_not_read_without_noecho_parameters() -> None:
    stack = {"StackId": "arn", "Outputs": [{"OutputKey": "A", "OutputValue": "b"}]}
    assert read_outputs(None, stack) == {"A": "b"}  # type: ignore[arg-type]

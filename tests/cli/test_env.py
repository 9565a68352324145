"""`stepline env`."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.target import Target
from tests.aws.fakes import Answers, target_of
from tests.cli.conftest import Stepline
from tests.localaws.codepipeline.fakes import client_error

NESTED = "arn:aws:cloudformation:us-east-1:000000000000:stack/stepline-Deploy-1/id"
STACKS: dict[str, dict[str, tuple[str, str]]] = {
    "stepline": {
        "TriggerFunction": ("AWS::Lambda::Function", "stepline-trigger"),
        "Deploy": ("AWS::CloudFormation::Stack", NESTED),
        "Queue": ("AWS::SQS::Queue", "q"),
    },
    NESTED: {"CreateStackFunction": ("AWS::Lambda::Function", "stepline-create-stack")},
    "orders": {
        "PayFunction": ("AWS::Lambda::Function", "orders-pay"),
        "TriggerFunction": ("AWS::Lambda::Function", "orders-trigger"),
    },
}
VARIABLES = {
    "stepline-trigger": {"STATE_MACHINE_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:deploy"},
    "stepline-create-stack": {},
    "orders-pay": {"QUEUE_URL": "http://127.0.0.1:4566/000000000000/q", "PAGE": "http://localhost:3000"},
    "orders-trigger": {"STATE_MACHINE_ARN": "other"},
}


def _target(*, is_local: bool) -> Target:
    def resources(params: dict[str, Any]) -> Any:
        if params["StackName"] not in STACKS:
            return client_error("ValidationError", "ListStackResources", "it does not exist")
        return {
            "StackResourceSummaries": [
                {"LogicalResourceId": logical_id, "ResourceType": kind, "PhysicalResourceId": name}
                for logical_id, (kind, name) in STACKS[params["StackName"]].items()
            ]
        }

    functions = [
        {"FunctionName": name, **({"Environment": {"Variables": values}} if values else {})}
        for name, values in VARIABLES.items()
    ]
    stacks = [
        {"StackName": "stepline"},
        {"StackName": "stepline-Deploy-1", "ParentId": "a"},
        {"StackName": "orders"},
    ]
    return target_of(
        is_local=is_local,
        lambda_=Answers({"list_functions": {"Functions": functions}}),
        cloudformation=Answers({"list_stack_resources": resources, "describe_stacks": {"Stacks": stacks}}),
    )


@pytest.fixture
def local(use_target: Callable[[Target], None]) -> None:
    use_target(_target(is_local=True))


@pytest.mark.usefixtures("local")
def test_variables_of_all_local_functions_are_written(stepline: Stepline) -> None:
    result = stepline("env")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "Parameters": {"AWS_ENDPOINT_URL": "http://host.docker.internal:4566"},
        "TriggerFunction": VARIABLES["stepline-trigger"],
        "CreateStackFunction": {},
        "PayFunction": {
            "QUEUE_URL": "http://host.docker.internal:4566/000000000000/q",
            "PAGE": "http://localhost:3000",
        },
    }
    assert "TriggerFunction of stack orders is left out" in result.stderr
    assert "in plain text: do not commit or share them" in result.stderr


@pytest.mark.usefixtures("local")
def test_functions_of_one_stack_are_written(stepline: Stepline) -> None:
    document = json.loads(stepline("env", "--stack-name", "orders", "--host", "172.17.0.1").stdout)
    assert sorted(document) == ["Parameters", "PayFunction", "TriggerFunction"]
    assert document["TriggerFunction"] == {"STATE_MACHINE_ARN": "other"}
    assert document["Parameters"] == {"AWS_ENDPOINT_URL": "http://172.17.0.1:4566"}


@pytest.mark.usefixtures("local")
def test_file_can_only_be_read_by_its_owner(stepline: Stepline, tmp_path: Path) -> None:
    file = tmp_path / "build" / "env.json"
    for _ in range(2):
        result = stepline("env", "--output", str(file))
    assert result.stdout == f"✓ Wrote the variables of 3 functions to {file}\n"
    assert "Parameters" in json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.usefixtures("local")
def test_stack_without_functions_is_rejected(stepline: Stepline) -> None:
    result = stepline("env", "--stack-name", "nothing")
    assert result.exit_code == 1
    assert "no functions exist in stack nothing: deploy it first" in result.stderr


def test_functions_of_an_account_are_those_of_the_stack(
    stepline: Stepline, use_target: Callable[[Target], None]
) -> None:
    use_target(_target(is_local=False))
    document = json.loads(stepline("env").stdout)
    assert sorted(document) == ["CreateStackFunction", "Parameters", "TriggerFunction"]
    assert document["Parameters"] == {}

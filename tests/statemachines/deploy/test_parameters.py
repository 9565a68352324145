"""The parameters, the role and the capabilities with which CloudFormation is called."""

from __future__ import annotations

import json

import pytest

from statemachines.deploy.errors import MissingCapabilityError
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import ENVIRONMENT, Machine

_OTHER_ROLE_ARN = ENVIRONMENT["OTHER_CLOUDFORMATION_ROLE_ARNS"]


def test_parameter_that_is_not_given_keeps_its_value(machine: Machine) -> None:
    machine.cloudformation.add_stack(
        "dev-app",
        "CREATE_COMPLETE",
        case_runner.template({}),
        {"EnvironmentName": "dev", "Size": "7"},
        tags=case_runner.OWN_TAGS,
        role_arn=case_runner.OWN_ROLE_ARN,
    )
    run = case_runner.run(machine, {"resources": {"Topic": {"Properties": {"More": "1"}}}})
    assert run.output == {"Environment": "dev", "Size": "7"}
    (call,) = machine.cloudformation.called("CreateChangeSet")
    assert call["Parameters"] == [
        {"ParameterKey": "EnvironmentName", "ParameterValue": "dev"},
        {"ParameterKey": "Size", "UsePreviousValue": True},
    ]


@pytest.mark.parametrize("name", ["EnvironmentName", "environmentName"])
def test_environment_name_is_passed_if_the_template_has_the_parameter(machine: Machine, name: str) -> None:
    body = {"Parameters": {name: {}}, "Resources": {"A": {"Type": "A::B::C"}}}
    case_runner.run(machine, {"template": json.dumps(body)})
    (call,) = machine.cloudformation.called("CreateStack")
    assert call["Parameters"] == [{"ParameterKey": name, "ParameterValue": "dev"}]


def test_environment_name_is_not_passed_if_the_template_lacks_the_parameter(machine: Machine) -> None:
    case_runner.run(machine, {"template": json.dumps({"Resources": {"A": {"Type": "A::B::C"}}})})
    (call,) = machine.cloudformation.called("CreateStack")
    assert call["Parameters"] == []


def test_explicit_parameter_takes_precedence_over_the_environment_name(machine: Machine) -> None:
    run = case_runner.run(machine, {"input": {"parameters": {"EnvironmentName": "other"}}})
    assert run.output == {"Environment": "other", "Size": "1"}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ({}, "arn:aws:iam::000000000000:role/deployer"),
        ({"roleArn": _OTHER_ROLE_ARN}, _OTHER_ROLE_ARN),
    ],
)
def test_role_of_the_input_takes_precedence_over_the_setting(
    machine: Machine, role: dict[str, str], expected: str
) -> None:
    case_runner.run(machine, {"input": role, "stack": {"status": "ROLLBACK_COMPLETE", "roleArn": expected}})
    for operation in ("CreateStack", "DeleteStack"):
        (call,) = machine.cloudformation.called(operation)
        assert call["RoleARN"] == expected


def test_template_with_a_transform_needs_auto_expand(machine: Machine) -> None:
    body = {**case_runner.template({}), "Transform": "AWS::Serverless-2016-10-31"}
    run = case_runner.run(machine, {"template": json.dumps(body)})
    assert (run.error, run.path[-1]) == ("MissingCapabilityError", "Failure Clean")
    assert '"capabilities": ["CAPABILITY_AUTO_EXPAND"]' in run.cause


def test_message_about_a_missing_capability_has_the_line_to_add() -> None:
    error = MissingCapabilityError(["CAPABILITY_IAM"])
    assert error.message == 'The template needs "capabilities": ["CAPABILITY_IAM"] in the input.'


@pytest.mark.parametrize(("type_", "expected"), [("AWS::CloudFormation::Stack", True), ("A::B::C", False)])
def test_change_set_includes_nested_stacks_if_there_are_some(
    machine: Machine, type_: str, *, expected: bool
) -> None:
    case = {"stack": {"status": "CREATE_COMPLETE"}, "resources": {"More": {"Type": type_}}}
    case_runner.run(machine, case)
    (call,) = machine.cloudformation.called("CreateChangeSet")
    assert call["IncludeNestedStacks"] is expected

"""Templates that CloudFormation accepts; `tests/parity` has those that it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stepline.localaws.cloudformation.conditions import evaluate_conditions
from stepline.localaws.cloudformation.template_parameters import check_values, with_text
from stepline.localaws.cloudformation.template_validation import TemplateError, check_template

QUEUE = {"Type": "AWS::SQS::Queue"}


def check(properties: Any, conditions: Mapping[str, bool] | None = None, **template: Any) -> None:
    resources = {"A": QUEUE, "B": {"Type": "AWS::SQS::Queue", "Properties": properties}}
    check_template({"Resources": resources, **template}, lambda _type, _attribute: True, conditions)


@pytest.mark.parametrize(
    "properties",
    [
        {"QueueName": {"Fn::Sub": "${!Literal}-${AWS::Region}-${A}"}},
        {"QueueName": {"Fn::Sub": ["${Name}", {"Name": {"Ref": "A"}}]}},
        {"QueueName": {"Fn::GetAtt": "A.QueueName"}},
        {"QueueName": {"Fn::Select": [0, {"Fn::GetAZs": None}]}},
        {"Document": {"Ref": "Unknown", "Other": 1}},
        {"Document": {"Fn::ToJsonString": {}}},
        {"Tags": [{"Key": "a", "Value": {"Ref": "AWS::NoValue"}}]},
    ],
)
def test_valid_reference_is_accepted(properties: dict[str, Any]) -> None:
    check(properties)


def test_resource_can_have_a_description() -> None:
    check_template({"Resources": {"A": {**QUEUE, "Description": "Orders"}}}, lambda *_: False)


def test_template_with_a_transform_is_checked_after_it() -> None:
    check_template({"Transform": "M", "Resources": {"A": {"Count": 3}}}, lambda *_: False)


def test_branch_that_is_not_chosen_is_no_dependency() -> None:
    conditions = {"Conditions": {"Yes": {"Fn::Equals": ["a", "a"]}}}
    check({"QueueName": {"Fn::If": ["Yes", "a", {"Ref": "B"}]}}, {"Yes": True}, **conditions)
    with pytest.raises(TemplateError, match="Circular dependency"):
        check({"QueueName": {"Fn::If": ["Yes", {"Ref": "B"}, "a"]}}, {"Yes": True}, **conditions)


def test_conditions_are_evaluated_with_their_functions() -> None:
    definitions = {
        "Both": {"Fn::And": [{"Condition": "Blank"}, {"Fn::Not": [{"Condition": "Other"}]}]},
        "Blank": {"Fn::Equals": [{"Fn::Join": ["", []]}, ""]},
        "Other": {"Fn::Or": [{"Fn::Equals": [1, "2"]}, {"Fn::Equals": [True, "x"]}]},
        "Same": {"Fn::Equals": [True, "true"]},
    }

    def resolve(node: Any) -> Any:
        return "" if isinstance(node, dict) else node

    found = evaluate_conditions(definitions, resolve)
    assert found == {"Both": True, "Blank": True, "Other": False, "Same": True}
    with pytest.raises(TemplateError, match="Circular dependencies"):
        evaluate_conditions({"A": {"Condition": "B"}, "B": {"Condition": "A"}}, resolve)


@pytest.mark.parametrize(
    ("declared", "given", "message"),
    [
        ({"Type": "String", "AllowedValues": [True]}, {"Value": "true"}, ""),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}, {"Value": "a, b"}, ""),
        ({"Type": "String", "AllowedValues": ["a"]}, {"UsePreviousValue": True}, ""),
        ({"Type": "Number", "Default": 1.5}, {}, ""),
        ({"Type": "AWS::SSM::Parameter::Value<String>", "AllowedValues": ["a"]}, {"Value": "/name"}, ""),
        ({"Type": "String"}, {"UsePreviousValue": True, "Key": "New"}, "do not exist in the template"),
    ],
)
def test_parameter_is_checked(declared: dict[str, Any], given: dict[str, Any], message: str) -> None:
    parameters = [{"Key": "P", **given}] if given else []
    if not message:
        check_values({"P": declared}, parameters, {"P": "a"})
        return
    with pytest.raises(TemplateError, match=message):
        check_values({"P": declared}, parameters, {"P": "a"})


def test_boolean_defaults_are_text() -> None:
    declared = {"P": {"Type": "String", "Default": False, "AllowedValues": [True, False]}}
    check_values(declared, [], {})
    check_values(declared, [{"Key": "P", "Value": "true"}], {})
    texts = {"Type": "String", "Default": "false", "AllowedValues": ["true", "false"]}
    assert with_text({"Parameters": declared, "Resources": {}}) == {
        "Parameters": {"P": texts},
        "Resources": {},
    }
    assert with_text({"Resources": {}}) == {"Resources": {}}


def test_previous_value_of_a_new_parameter_is_refused() -> None:
    with pytest.raises(TemplateError, match="Cannot specify usePreviousValue as true"):
        check_values({"P": {"Type": "String"}}, [{"Key": "P", "UsePreviousValue": True}], {})

"""Parts of a template that have the wrong JSON type: an earlier bug ended in a message of Python."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.localaws.cloudformation.template_validation import TemplateError, check_template

QUEUE = {"Type": "AWS::SQS::Queue"}


def with_queue(**attributes: Any) -> dict[str, Any]:
    return {"Resources": {"A": {**QUEUE, **attributes}}}


def with_name(function: str, argument: Any) -> dict[str, Any]:
    return with_queue(Properties={"QueueName": {function: argument}})


def check(template: Any) -> None:
    check_template(template, lambda _type, _attribute: True)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"Resources": 5}, "Resources must be an object"),
        ({"Resources": {"A": {"Type": 5}}}, r"\[/Resources/A\] Every Resources object must contain a Type"),
        ({"Resources": {"A": QUEUE}, "Outputs": []}, "Outputs must be an object"),
        ({"Resources": {"A": QUEUE}, "Parameters": []}, "Parameters must be an object"),
        ({"Resources": {"A": QUEUE}, "Description": 5}, "Description must be a string"),
        (
            {"Resources": {"A": QUEUE}, "Outputs": {"O": {"Value": "x", "Export": 5}}},
            r"\[/Outputs/O/Export\] must be an object",
        ),
        ({"Resources": {"A": QUEUE}, "Conditions": {"C": {"Fn::Equals": 5}}}, "every Fn::Equals object req"),
        (with_queue(Properties=[]), r"\[/Resources/A/Properties\] must be an object"),
        (with_queue(Properties="x"), r"\[/Resources/A/Properties\] must be an object"),
        (with_queue(DependsOn=5), "DependsOn must be a string or list of strings"),
        (with_queue(Condition=["x"]), r"\[/Resources/A/Condition\] must be a string"),
        (with_name("Fn::Join", 5), "every Fn::Join object requires two parameters"),
        (with_name("Fn::Join", ["", 5]), "every Fn::Join object requires two parameters"),
        (with_name("Fn::Select", 5), "Fn::Select requires a list argument with two elements"),
        (with_name("Fn::If", 5), "Fn::If requires a list argument with three elements"),
        (with_name("Fn::FindInMap", 5), "every Fn::FindInMap object requires three parameters"),
        (with_name("Fn::Split", 5), "every Fn::Split object requires two parameters"),
        (with_name("Fn::Sub", ["x", 5]), "One or more Fn::Sub intrinsic functions don't specify expected"),
        (with_name("Fn::GetAtt", 5), "every Fn::GetAtt object requires two non-empty parameters"),
        (with_name("Fn::Cidr", 5), "every Fn::Cidr object requires"),
    ],
)
def test_part_of_a_wrong_type_is_named(template: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        check(template)


@pytest.mark.parametrize(
    "template",
    [
        with_name("Fn::Join", ["-", {"Fn::Split": [",", "a,b"]}]),
        with_name("Fn::Select", [0, {"Fn::GetAZs": ""}]),
        with_name("Fn::Select", ["1", ["a", "b"]]),
        with_name("Fn::Sub", ["${x}", {"x": "a"}]),
        with_queue(DependsOn=[], DeletionPolicy="Retain", Metadata={"Fn::Join": 5}),
        with_queue(Properties={"Tags": [{"Key": "Fn::Join", "Value": "5"}]}),
    ],
)
def test_valid_forms_are_accepted(template: Any) -> None:
    check(template)

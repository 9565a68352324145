"""Names of resources that consist of the stack's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepline.core.errors import UsageError
from stepline.deployment.stack_names import check_stack_name, longest_stack_name
from stepline.deployment.template import read_template

PROJECT = Path(__file__).parents[2]
TEMPLATES = [
    "template.yaml",
    "pipeline/template.yaml",
    *sorted(f"{f.relative_to(PROJECT)}" for f in PROJECT.glob("statemachines/*/*.yaml")),
]


def template(resource_type: str, **properties: Any) -> dict[str, Any]:
    return {"Resources": {"One": {"Type": resource_type, "Properties": properties}}}


FUNCTION = template("AWS::Serverless::Function", FunctionName={"Fn::Sub": "${AWS::StackName}-check"})


def test_name_of_a_function_limits_the_name_of_the_stack() -> None:
    assert longest_stack_name(FUNCTION, PROJECT) == 58
    check_stack_name(FUNCTION, PROJECT, "x" * 58)
    with pytest.raises(UsageError, match="has 59 characters: with this template it may have 58"):
        check_stack_name(FUNCTION, PROJECT, "x" * 59)


@pytest.mark.parametrize(
    "other",
    [
        template("AWS::Serverless::Function"),
        template("AWS::Serverless::Function", FunctionName={"Fn::Sub": "${AWS::StackName}-${Stage}"}),
        template("AWS::Lambda::Function", FunctionName="fixed"),
        template("AWS::S3::Bucket"),
        {"Resources": {"One": {"Type": "AWS::S3::Bucket"}}},
    ],
)
def test_other_names_do_not_limit_it(other: dict[str, Any]) -> None:
    check_stack_name(other, PROJECT, "X" * 128)


@pytest.mark.parametrize("path", TEMPLATES)
def test_documented_length_is_possible_with_each_template(path: str) -> None:
    assert "A stack's name may have 31 characters" in " ".join((PROJECT / "README.md").read_text().split())
    assert longest_stack_name(read_template(PROJECT / path), (PROJECT / path).parent) >= 31

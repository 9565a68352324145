"""CloudFormation templates in YAML and JSON, with short and long forms of intrinsic functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from stepline.aws.templates import parse_template
from stepline.core.errors import UsageError

PROJECT = Path(__file__).parents[2]
TEMPLATES = sorted(
    [
        PROJECT / "template.yaml",
        PROJECT / "pipeline/template.yaml",
        PROJECT / "app/template.yaml",
        *PROJECT.glob("statemachines/*/*.yaml"),
    ]
)


def parse_value(text: str) -> Any:
    return parse_template(f"Resources: {{}}\nValue: {text}\n", "t")["Value"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref Bucket", {"Ref": "Bucket"}),
        ("!Condition IsLocal", {"Condition": "IsLocal"}),
        ("!Sub '${A}-b'", {"Fn::Sub": "${A}-b"}),
        ("!Sub ['${A}', {A: !Ref B}]", {"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}),
        ("!If [C, !Ref A, !Ref 'AWS::NoValue']", {"Fn::If": ["C", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]}),
        (
            "!Transform {Name: M, Parameters: {K: v}}",
            {"Fn::Transform": {"Name": "M", "Parameters": {"K": "v"}}},
        ),
        ("!GetAtt Bucket.Arn", {"Fn::GetAtt": ["Bucket", "Arn"]}),
        ("!GetAtt Stack.Outputs.Url", {"Fn::GetAtt": ["Stack", "Outputs.Url"]}),
        ("!GetAtt [Bucket, Arn]", {"Fn::GetAtt": ["Bucket", "Arn"]}),
    ],
)
def test_short_form_becomes_the_long_form(text: str, value: Any) -> None:
    assert parse_value(text) == value


@pytest.mark.parametrize("text", ["2012-10-17", "2010-09-09T12:00:00Z"])
def test_dates_remain_text(text: str) -> None:
    assert parse_value(text) == text


def test_other_values_have_their_yaml_types() -> None:
    assert parse_value("[1, 1.5, true, null, text]") == [1, 1.5, True, None, "text"]


def test_json_template_is_parsed() -> None:
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Size": {"Ref": "A"}}}}}
    assert parse_template(json.dumps(template), "t") == template


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "t is not YAML: while parsing"),
        ("a: 1: 2", "t is not YAML: mapping values are not allowed"),
        ("", "t is not a CloudFormation template: it has no Resources"),
        ("[]", "t is not a CloudFormation template: it has no Resources"),
        ("Resources: []", "t is not a CloudFormation template: it has no Resources"),
    ],
)
def test_malformed_template_is_rejected(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_template(text, "t")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_templates_of_the_project_are_read_as_by_the_sam_translator(file: Path) -> None:
    text = file.read_text()
    assert parse_template(text, file.name) == yaml_parse(text)

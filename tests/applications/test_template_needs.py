"""What a template needs from its deployment: the cases are in template_needs.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statemachines.deploy import stack_arguments
from stepline.applications import template_needs
from stepline.applications.template_needs import (
    capabilities,
    functions_with_images,
    names_local_files,
    parameters_without_default,
)

CASES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("template_needs.json").read_text())[
    "cases"
]


@pytest.mark.parametrize("name", CASES)
def test_capabilities_of_a_template(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    for file, content in case.get("files", {}).items():
        (tmp_path / file).write_text(content)
    assert capabilities(case["template"], tmp_path) == case["capabilities"]


def test_parameters_without_default_are_found_but_for_the_environment() -> None:
    declared = {
        "EnvironmentName": {"Type": "String"},
        "Size": {"Type": "Number", "Default": 1},
        "Vpc": {"Type": "AWS::EC2::VPC::Id", "Description": "Where it runs"},
        "Tier": {"Type": "String", "AllowedValues": ["web", "batch"]},
        "Password": {"Type": "String", "NoEcho": True},
    }
    found = parameters_without_default({"Parameters": declared})
    assert [str(parameter) for parameter in found] == [
        "Vpc (AWS::EC2::VPC::Id): Where it runs",
        "Tier (String) (one of web, batch)",
        "Password (String)",
    ]
    assert [parameter.name for parameter in found if parameter.is_secret] == ["Password"]


def test_environment_parameters_are_those_of_the_deploy_machine() -> None:
    assert template_needs._ENVIRONMENT_PARAMETERS == stack_arguments._ENVIRONMENT_PARAMETERS


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"Type": "AWS::Lambda::Function", "Properties": {"Code": "src"}}, True),
        ({"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": "x"}}}, False),
        ({"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": "layer"}}, True),
        ({"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://x/y"}}, False),
        ({"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": {"Ref": "Url"}}}, False),
        ({"Type": "AWS::SQS::Queue"}, False),
    ],
)
def test_local_files_of_a_template(resource: dict[str, Any], *, expected: bool) -> None:
    assert names_local_files({"Resources": {"R": resource}}) is expected


def test_functions_that_are_container_images_are_found() -> None:
    template = {
        "Globals": {"Function": {"PackageType": "Image"}},
        "Resources": {
            "Built": {"Type": "AWS::Serverless::Function"},
            "Zip": {"Type": "AWS::Serverless::Function", "Properties": {"PackageType": "Zip"}},
            "Pushed": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"ImageUri": {"Fn::Sub": "${Repository.RepositoryUri}:1"}},
            },
        },
    }
    assert functions_with_images(template) == ["Built"]

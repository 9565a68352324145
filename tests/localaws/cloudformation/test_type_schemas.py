"""The schemas that are read from cfn-lint's files are those that cfn-lint's code reads."""

from __future__ import annotations

import json
import sys

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stepline.localaws.cloudformation.type_schemas import (
    attributes_of,
    identifiers_of,
    resource_schema,
    resource_types,
    sole_identifier,
    supports_attribute,
    type_schema,
)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-7"])
def test_schemas_are_those_of_cfn_lint(region: str) -> None:
    types = {
        name for name in PROVIDER_SCHEMA_MANAGER.get_resource_types(region) if "::Serverless::" not in name
    }
    assert resource_types(region) == types
    for name in ("AWS::SQS::Queue", "AWS::EC2::Instance", "AWS::Lambda::Function"):
        assert (
            resource_schema(name, region) == PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, name).schema
        )


def test_unknown_region_has_the_types_of_us_east_1() -> None:
    assert resource_types("xx-nowhere-1") == resource_types("us-east-1")


def test_unknown_type_has_no_schema() -> None:
    assert resource_schema("AWS::No::Thing", "us-east-1") is None
    assert type_schema("AWS::No::Thing", "us-east-1") is None


def test_any_custom_resource_has_the_same_schema() -> None:
    custom = type_schema("AWS::CloudFormation::CustomResource", "us-east-1")
    assert type_schema("Custom::Thing", "us-east-1") == custom
    assert "createOnlyProperties" in json.loads(custom or "{}")


def test_name_of_a_record_set_is_create_only() -> None:
    """The schema lacks it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-route53-recordset.html
    """
    schema = resource_schema("AWS::Route53::RecordSet", "us-east-1")
    assert schema is not None
    assert "/properties/Name" in schema["createOnlyProperties"]


def test_identifiers_and_attributes_have_the_names_of_templates() -> None:
    schema = {
        "primaryIdentifier": ["/properties/Id"],
        "readOnlyProperties": ["/properties/Id", "/properties/Endpoint/Port"],
    }
    assert attributes_of(schema) == ["Id", "Endpoint.Port"]
    assert identifiers_of(schema) == sole_identifier(schema) == ["Id"]
    assert sole_identifier({**schema, "primaryIdentifier": ["/properties/Id", "/properties/Name"]}) == []


def test_output_of_a_nested_stack_is_found_without_the_code_of_cfn_lint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its import takes half a second, and the template of stepline has such references."""
    monkeypatch.setitem(sys.modules, "cfnlint.schema", None)
    assert supports_attribute("AWS::CloudFormation::Stack", "Outputs.Name", "us-east-1")
    with pytest.raises(ImportError):
        supports_attribute("AWS::CloudFormation::Stack", "Name", "us-east-1")

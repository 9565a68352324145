"""Adds DescribeType, which ministack lacks, to CloudFormation, for AWS's own resource types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import helpers

from stepline.localaws.cloudformation.type_schemas import type_schema


def add_describe_type() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeType.html"""
    cloudformation._ACTION_HANDLERS["DescribeType"] = _describe_type


def _describe_type(parameters: Mapping[str, Any]) -> Any:
    name = helpers._p(parameters, "TypeName")
    if helpers._p(parameters, "Type") != "RESOURCE" or not name:
        return helpers._error("ValidationError", "The local AWS describes only RESOURCE types, by TypeName.")
    schema = type_schema(name, responses.get_region())
    if schema is None:
        return helpers._error("TypeNotFoundException", f"The type '{name}' cannot be found.", 404)
    members = {"TypeName": name, "Type": "RESOURCE", "Visibility": "PUBLIC", "Schema": schema}
    text = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in members.items())
    return helpers._xml(200, "DescribeTypeResponse", f"<DescribeTypeResult>{text}</DescribeTypeResult>")

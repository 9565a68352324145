"""Reads the outputs of a stack, without those that show the value of a NoEcho parameter.

"If you set the NoEcho attribute to true, CloudFormation returns the parameter value masked as asterisks", but
"CloudFormation will not redact or obfuscate … values included in the Outputs section" (CloudFormation User
Guide, Parameters). What one did not want to see as a parameter, one does not want to see as an output either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepline.aws.redaction import HIDDEN
from stepline.aws.templates import parse_template

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


def read_outputs(cloudformation: CloudFormationClient, stack: Mapping[str, Any]) -> dict[str, str]:
    """Return the outputs of a stack that DescribeStacks has returned; the template is read if need be."""
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    secrets = {
        each["ParameterKey"]
        for each in stack.get("Parameters", [])
        if set(each.get("ParameterValue", "")) == {"*"}
    }
    if not secrets or not outputs:
        return outputs
    response = cloudformation.get_template(StackName=stack["StackId"], TemplateStage="Processed")
    body: Any = response["TemplateBody"]  # boto3 parses JSON, but not YAML
    template = parse_template(body, "the stack's template") if isinstance(body, str) else body
    declared = template.get("Outputs", {})
    return {
        key: HIDDEN if key not in declared or _refers_to(declared[key].get("Value"), secrets) else value
        for key, value in outputs.items()
    }


def _refers_to(value: Any, names: set[str]) -> bool:
    """Return whether a part of a template refers to one of these parameters."""
    if isinstance(value, Mapping):
        return value.get("Ref") in names or any(_refers_to(each, names) for each in value.values())
    if isinstance(value, list):
        return any(_refers_to(each, names) for each in value)
    return isinstance(value, str) and any(f"${{{name}}}" in value for name in names)

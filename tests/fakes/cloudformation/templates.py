"""The templates that the fake CloudFormation understands, and the changes between two of them.

They are JSON. These properties of a resource have a meaning:

Name          a change of it replaces the resource
MayReplace    a change of it may replace the resource
FailCreate    creating the resource fails with this reason
FailUpdate    updating it fails
FailDelete    deleting it fails
FailRollback  rolling an update of it back fails

A resource of type AWS::IAM::Role needs CAPABILITY_IAM; a `Transform` needs CAPABILITY_AUTO_EXPAND.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepline.localaws.protocol import AwsError

Template = Mapping[str, Any]
MAX_BODY_BYTES = 51_200


class ValidationError(AwsError):
    """The request or its template is not valid, or the stack does not exist."""


def parse(text: str) -> Template:
    try:
        template = json.loads(text)
    except ValueError as error:
        raise ValidationError("Template format error: unsupported structure.") from error
    if not isinstance(template, dict) or not template.get("Resources"):
        raise ValidationError("Template format error: At least one Resources member must be defined.")
    return template


def capabilities(template: Template) -> list[str]:
    types = {resource["Type"] for resource in template["Resources"].values()}
    required = ["CAPABILITY_IAM"] if "AWS::IAM::Role" in types else []
    return required + (["CAPABILITY_AUTO_EXPAND"] if "Transform" in template else [])


def parameter_values(
    template: Template, given: list[dict[str, Any]], previous: Mapping[str, str]
) -> dict[str, str]:
    """Return the values of the parameters; raises ValidationError for an unknown or missing one."""
    declared: Mapping[str, Any] = template.get("Parameters", {})
    values = {name: spec["Default"] for name, spec in declared.items() if "Default" in spec}
    for item in given:
        name = item["ParameterKey"]
        if name not in declared:
            raise ValidationError(f"Parameters: [{name}] do not exist in the template")
        values[name] = previous[name] if item.get("UsePreviousValue") else item["ParameterValue"]
    if missing := [name for name in declared if name not in values]:
        raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
    return values


def resolved(template: Template, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the resources with the values of their parameters."""
    return {name: _resolve(resource, values) for name, resource in template["Resources"].items()}


def outputs(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    return {
        name: str(_resolve(output["Value"], values)) for name, output in template.get("Outputs", {}).items()
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the `ResourceChange`s from one set of resolved resources to another."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        change = {"LogicalResourceId": name, "ResourceType": (new or old or {})["Type"]}
        if old is None:
            yield {**change, "Action": "Add"}
        elif new is None:
            policy = old.get("DeletionPolicy", "Delete")
            yield {**change, "Action": "Remove", "PolicyAction": policy}
        else:
            yield {**change, "Action": "Modify", "Replacement": _replacement(old, new)}


def failure_reason(resources: Mapping[str, Any], name: str, key: str) -> str:
    """Return why an operation fails, or empty text if it succeeds; `key` is "FailCreate" or such."""
    return str(resources.get(name, {}).get("Properties", {}).get(key, ""))


def _replacement(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    def differs(key: str) -> bool:
        return bool(old.get("Properties", {}).get(key) != new.get("Properties", {}).get(key))

    return "True" if differs("Name") else "Conditional" if differs("MayReplace") else "False"


def _resolve(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"Ref"}:
            return values.get(value["Ref"], value["Ref"])
        return {key: _resolve(item, values) for key, item in value.items()}
    return value

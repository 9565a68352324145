"""The templates that the fake CloudFormation understands, and what differs between two of them.

JSON, with the properties that matter to a test:

Name          changing it replaces the resource
MayReplace    changing it replaces the resource, perhaps
FailCreate    creating the resource fails, with this reason
FailUpdate    updating it fails
FailDelete    deleting it fails
FailRollback  undoing an update fails

A resource of type AWS::IAM::Role needs CAPABILITY_IAM; a `Transform` needs CAPABILITY_AUTO_EXPAND.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.statemachines.fake_client import FakeAwsError

Template = Mapping[str, Any]
MAX_BODY_BYTES = 51_200


def parse(text: str) -> Template:
    try:
        template = json.loads(text)
    except ValueError as error:
        raise FakeAwsError("ValidationError", "Template format error: unsupported structure.") from error
    if not isinstance(template, dict) or not template.get("Resources"):
        raise FakeAwsError(
            "ValidationError", "Template format error: At least one Resources member must be defined."
        )
    return template


def capabilities(template: Template) -> list[str]:
    types = {resource["Type"] for resource in template["Resources"].values()}
    needed = ["CAPABILITY_IAM"] if "AWS::IAM::Role" in types else []
    return needed + (["CAPABILITY_AUTO_EXPAND"] if "Transform" in template else [])


def parameters(
    template: Template, given: list[dict[str, Any]], previous: Mapping[str, str]
) -> dict[str, str]:
    """The parameters' values, as CloudFormation decides them. Raises for one too many or too few."""
    declared: Mapping[str, Any] = template.get("Parameters", {})
    values = {name: spec["Default"] for name, spec in declared.items() if "Default" in spec}
    for item in given:
        name = item["ParameterKey"]
        if name not in declared:
            raise FakeAwsError("ValidationError", f"Parameters: [{name}] do not exist in the template")
        values[name] = previous[name] if item.get("UsePreviousValue") else item["ParameterValue"]
    if missing := [name for name in declared if name not in values]:
        raise FakeAwsError("ValidationError", f"Parameters: [{', '.join(missing)}] must have values")
    return values


def resolved(template: Template, values: Mapping[str, str]) -> dict[str, Any]:
    """The resources with their parameters filled in."""
    return {name: _resolve(resource, values) for name, resource in template["Resources"].items()}


def outputs(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    return {
        name: str(_resolve(output["Value"], values)) for name, output in template.get("Outputs", {}).items()
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """`ResourceChange`s from one set of resolved resources to another."""
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


def reason(resources: Mapping[str, Any], name: str, key: str) -> str:
    """Why an operation on a resource fails; empty if it does not."""
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

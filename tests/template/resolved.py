"""What CloudFormation makes of a template with certain parameters, as far as our own templates need it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from stepline.deployment.template import read_template

PROJECT = Path(__file__).parents[2]
ACCOUNT = "111122223333"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = object()
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")


def resources(path: str, **parameters: str) -> dict[str, dict[str, Any]]:
    """The resources that are made, by logical id. A reference to one of them is its logical id."""
    return _Template(read_template(PROJECT / path), parameters).resources()


def outputs(path: str, **parameters: str) -> dict[str, Any]:
    """Values of the outputs."""
    return _Template(read_template(PROJECT / path), parameters).outputs()


class _Template:
    def __init__(self, template: dict[str, Any], parameters: dict[str, str]) -> None:
        defaults = {name: value.get("Default") for name, value in template["Parameters"].items()}
        assert parameters.keys() <= defaults.keys()
        self._values = _PSEUDO | {name: str(value) for name, value in (defaults | parameters).items()}
        self._template = template

    def resources(self) -> dict[str, dict[str, Any]]:
        return {
            name: self._resolve(resource)
            for name, resource in self._template["Resources"].items()
            if self._holds(resource.get("Condition"))
        }

    def outputs(self) -> dict[str, Any]:
        return {name: self._resolve(output["Value"]) for name, output in self._template["Outputs"].items()}

    def _holds(self, condition: str | None) -> bool:
        return condition is None or bool(self._resolve(self._template["Conditions"][condition]))

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        members = ((key, self._resolve(member)) for key, member in value.items())
        return {key: member for key, member in members if member is not _NOTHING}

    def _call(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref" if argument == "AWS::NoValue":
                return _NOTHING
            case "Ref":
                return self._values.get(argument, argument)
            case "Fn::Sub":
                return self._sub(argument)
            case "Fn::GetAtt":
                return argument if isinstance(argument, str) else ".".join(argument)
            case "Fn::If":
                condition, then, otherwise = argument
                return self._resolve(then if self._holds(condition) else otherwise)
            case "Fn::Equals":
                left, right = (str(self._resolve(item)) for item in argument)
                return left == right
            case "Fn::Not":
                return not self._resolve(argument[0])
            case "Fn::Join":
                return argument[0].join(map(str, self._resolve(argument[1])))
            case _:  # what only CloudFormation can answer stays as it is
                return {name: self._resolve(argument)}

    def _sub(self, argument: Any) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        values = self._values | {name: self._resolve(value) for name, value in variables.items()}
        return _VARIABLE.sub(lambda match: str(values.get(match[1], match[1])), text)

"""Templates as CloudFormation resolves them, with the intrinsic functions that ours use."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stepline.deployment.template import read_template

_NO_VALUE = object()
_PART = "AWS::Serverless::Application"
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")


def logical_id(name: str, attribute: str) -> str:
    """Return what stands for a Ref to a resource, or for an attribute of it."""
    return f"{name}.{attribute}" if attribute else name


class ResolvedTemplate:
    """`reference` returns the value of a Ref (without an attribute) or Fn::GetAtt to a resource."""

    def __init__(
        self,
        file: Path,
        parameters: Mapping[str, str] | None = None,
        *,
        region: str,
        account: str,
        stack_name: str,
        partition: str = "aws",
        reference: Callable[[str, str], str] = logical_id,
    ) -> None:
        self._file = file
        self._template = _read(file)
        self._resolved_alike = functools.partial(
            ResolvedTemplate,
            region=region,
            account=account,
            stack_name=stack_name,
            partition=partition,
            reference=reference,
        )
        defaults = {name: item.get("Default", "") for name, item in self._template["Parameters"].items()}
        given = dict(parameters or {})
        assert given.keys() <= defaults.keys()
        pseudo_parameters = {
            "AWS::AccountId": account,
            "AWS::NoValue": _NO_VALUE,
            "AWS::Partition": partition,
            "AWS::Region": region,
            "AWS::StackName": stack_name,
            "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
        }
        self._values = pseudo_parameters | {name: str(value) for name, value in {**defaults, **given}.items()}
        self._reference = reference

    @functools.cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources that are created, by logical id."""
        return {
            name: self._resolve(resource)
            for name, resource in self._template["Resources"].items()
            if "Condition" not in resource or self._holds({"Condition": resource["Condition"]})
        }

    @functools.cached_property
    def parts(self) -> dict[str, ResolvedTemplate]:
        """The nested templates of the project, by logical id, with the parameters that they get."""
        resources = self._template["Resources"]
        return {name: self._part(name) for name, item in resources.items() if item["Type"] == _PART}

    @functools.cached_property
    def all_resources(self) -> dict[str, dict[str, Any]]:
        """The resources that are created, by logical id, with those of the parts instead of the parts."""
        own = {name: item for name, item in self.resources.items() if item["Type"] != _PART}
        return functools.reduce(lambda found, part: found | part.resources, self.parts.values(), own)

    @functools.cached_property
    def outputs(self) -> dict[str, Any]:
        return {name: self._resolve(output["Value"]) for name, output in self._template["Outputs"].items()}

    def type_of(self, name: str) -> str:
        return str(self._template["Resources"][name]["Type"])

    def resolve_globals(self, section: str) -> dict[str, Any]:
        """Return the defaults of a SAM template for its resources of a kind."""
        return dict(self._resolve(self._template.get("Globals", {}).get(section, {})))

    def _holds(self, condition: Any) -> bool:
        match condition:
            case {"Condition": name}:
                return self._holds(self._template["Conditions"][name])
            case {"Fn::Equals": [left, right]}:
                return str(self._resolve(left)) == str(self._resolve(right))
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::And": parts}:
                return all(map(self._holds, parts))
            case {"Fn::Or": parts}:
                return any(map(self._holds, parts))
        raise AssertionError(f"unknown condition: {condition}")

    def _resolve(self, value: Any) -> Any:
        match value:
            case list():
                return [item for item in map(self._resolve, value) if item is not _NO_VALUE]
            case {"Ref": name}:
                return self._values[name] if name in self._values else self._reference(name, "")
            case {"Fn::GetAtt": str() as name}:
                return self._attribute(*name.split(".", 1))
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute)
            case {"Fn::Sub": str() as text}:
                return self._substitute(text, {})
            case {"Fn::Sub": [text, variables]}:
                return self._substitute(text, variables)
            case {"Fn::If": [condition, then, otherwise]}:
                return self._resolve(then if self._holds({"Condition": condition}) else otherwise)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(map(str, self._resolve(parts)))
            case {"Fn::Split": [separator, text]}:
                return str(self._resolve(text)).split(separator)
            case {"Fn::Select": [index, items]}:
                found = self._resolve(items)
                is_known = isinstance(found, list) and int(index) < len(found)
                return found[int(index)] if is_known else {"Fn::Select": [index, found]}
            case dict():  # a function that only CloudFormation can call stays as it is
                members = ((key, self._resolve(member)) for key, member in value.items())
                return {key: member for key, member in members if member is not _NO_VALUE}
        return value

    def _attribute(self, name: str, attribute: str) -> Any:
        if self.type_of(name) == _PART:
            return self._part(name).outputs[attribute.removeprefix("Outputs.")]
        return self._reference(name, attribute)

    @functools.cache  # noqa: B019 - templates live as long as the tests
    def _part(self, name: str) -> ResolvedTemplate:
        properties = self._template["Resources"][name]["Properties"]
        parameters = {key: self._resolve(value) for key, value in properties["Parameters"].items()}
        return self._resolved_alike(self._file.parent / properties["Location"], parameters)

    def _substitute(self, text: str, variables: Mapping[str, Any]) -> str:
        values = self._values | {name: self._resolve(value) for name, value in variables.items()}

        def value(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            return str(values[name]) if name in values else self._reference(name, attribute)

        return _VARIABLE.sub(value, text)


@functools.cache
def _read(file: Path) -> dict[str, Any]:
    """Read a template once: it takes a second."""
    return read_template(file)

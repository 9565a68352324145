"""A system as its template describes it: its functions, with time-outs and variables, and its state machines.

Every physical name is the logical id; a bucket's is in lower case, as S3 wants it.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepline.deployment.template import read_template
from tests.faults.network import REGION
from tests.in_process_functions import Handler

PROJECT = Path(__file__).parents[2]
ACCOUNT = "000000000000"
_FUNCTION = "AWS::Serverless::Function"
_MACHINE = "AWS::Serverless::StateMachine"
_BUCKET = "AWS::S3::Bucket"
_NO_VALUE = object()
_PSEUDO: Mapping[str, object] = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stepline",
    "AWS::NoValue": _NO_VALUE,
}
_VARIABLE = re.compile(r"\$\{(!?[\w:.]+)\}")


@dataclass(frozen=True)
class Function:
    handler: Handler
    timeout_seconds: float
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Deployed:
    """`statemachines/<folder>/template.yaml` with these parameters, and else the defaults."""

    folder: str
    parameters: tuple[tuple[str, str], ...] = ()
    file: str = "template.yaml"
    _template: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_template", _read(self._folder / self.file))

    @property
    def _folder(self) -> Path:
        return PROJECT / "statemachines" / self.folder

    def functions(self) -> dict[str, Function]:
        """By logical id."""
        defaults = self._template.get("Globals", {}).get("Function", {})
        return {name: self._function(item, defaults) for name, item in self._resources(_FUNCTION)}

    def machines(self) -> dict[str, str]:
        """Logical id -> the definition, as it is created."""
        return {name: self._definition(item) for name, item in self._resources(_MACHINE)}

    def _resources(self, kind: str) -> Iterator[tuple[str, Any]]:
        for name, resource in self._template["Resources"].items():
            is_there = "Condition" not in resource or self._holds({"Condition": resource["Condition"]})
            if resource["Type"] == kind and is_there:
                yield name, resource["Properties"]

    def _function(self, properties: Any, defaults: Any) -> Function:
        module, _, name = properties["Handler"].rpartition(".")
        variables = {**_variables(defaults), **_variables(properties)}
        values = {key: self._value(value) for key, value in variables.items()}
        return Function(
            handler=getattr(importlib.import_module(module), name),
            timeout_seconds=float(properties.get("Timeout", defaults.get("Timeout", 3))),
            environment={key: str(value) for key, value in values.items() if value is not _NO_VALUE},
        )

    def _definition(self, properties: Any) -> str:
        text: str = (self._folder / properties["DefinitionUri"]).read_text()
        for name, value in properties.get("DefinitionSubstitutions", {}).items():
            text = text.replace(f"${{{name}}}", str(self._value(value)))
        return text

    # ------------------------------------------------------------------ intrinsic functions

    def _value(self, value: Any) -> Any:
        match value:
            case {"Ref": name}:
                return self._ref(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(str(name), str(attribute))
            case {"Fn::Sub": [text, names]}:
                return self._substituted(text, {key: self._value(item) for key, item in names.items()})
            case {"Fn::Sub": text}:
                return self._substituted(text, {})
            case {"Fn::If": [condition, yes, no]}:
                return self._value(yes if self._holds({"Condition": condition}) else no)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(str(self._value(part)) for part in parts)
            case str() | int() | float():
                return value
        raise AssertionError(f"what is {value}?")

    def _ref(self, name: str) -> Any:
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._template.get("Parameters", {}):
            return dict(self.parameters).get(name, self._template["Parameters"][name].get("Default", ""))
        return {_MACHINE: machine_arn(name), _BUCKET: name.lower()}.get(self._type(name), name)

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute != "Arn":
            return name if attribute == "Name" else f"{name}.{attribute}"
        bucket = f"arn:aws:s3:::{name.lower()}"
        own = {_MACHINE: machine_arn(name), _FUNCTION: function_arn(name), _BUCKET: bucket}
        return own.get(self._type(name), f"arn:aws:any:{REGION}:{ACCOUNT}:{name}")

    def _type(self, name: str) -> str:
        return str(self._template["Resources"][name]["Type"])

    def _substituted(self, text: str, names: Mapping[str, Any]) -> str:
        def value(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            if name in names:
                return str(names[name])
            return str(self._attribute(name, attribute) if attribute else self._ref(name))

        return _VARIABLE.sub(value, text)

    def _holds(self, condition: Any) -> bool:
        match condition:
            case {"Condition": name}:
                return self._holds(self._template["Conditions"][name])
            case {"Fn::Equals": [left, right]}:
                return str(self._value(left)) == str(self._value(right))
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::And": parts}:
                return all(map(self._holds, parts))
            case {"Fn::Or": parts}:
                return any(map(self._holds, parts))
        raise AssertionError(f"what is {condition}?")


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def machine_arn(name: str) -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


def remembered() -> Iterator[Any]:
    """What functions keep for as long as their container lives: cached settings."""
    for name, module in list(sys.modules.items()):
        if name.startswith("statemachines."):
            yield from (item for item in vars(module).values() if hasattr(item, "cache_clear"))


@functools.cache
def _read(file: Path) -> dict[str, Any]:
    return read_template(file)


def _variables(properties: Any) -> Mapping[str, Any]:
    variables: Mapping[str, Any] = properties.get("Environment", {}).get("Variables", {})
    return variables

"""Finds what a part of a template refers to: resources, parameters, attributes and conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

REF: Final = "Ref"
GET_ATT: Final = "Fn::GetAtt"
SUB: Final = "Fn::Sub"
IF: Final = "Fn::If"
_VARIABLE = re.compile(r"\$\{\s*([^!}\s][^}]*?)\s*\}")
_IF_ARGUMENTS = 3


@dataclass(frozen=True)
class Reference:
    """A name that `function` refers to; `attribute` is blank without one."""

    function: str
    name: str
    attribute: str = ""


def references(node: Any, conditions: Mapping[str, bool] | None = None) -> Iterator[Reference]:
    """Yield each Ref, Fn::GetAtt and variable of Fn::Sub.

    With `conditions`, only of the branches of Fn::If that they choose: none if the condition is unknown.
    """
    if isinstance(node, list):
        for item in node:
            yield from references(item, conditions)
    elif isinstance(node, Mapping):
        function, argument = intrinsic(node)
        if function == REF and isinstance(argument, str):
            yield Reference(REF, argument)
        elif function == GET_ATT:
            yield from _attribute(argument)
        elif function == SUB:
            yield from _variables(argument, conditions)
        elif function == IF and conditions is not None:
            yield from references(chosen_branch(argument, conditions), conditions)
        else:
            yield from references(list(node.values()), conditions)


def condition_names(node: Any) -> Iterator[str]:
    """Yield the condition of each Fn::If."""
    if isinstance(node, list):
        for item in node:
            yield from condition_names(item)
    elif isinstance(node, Mapping):
        function, argument = intrinsic(node)
        if function == IF and isinstance(argument, list) and argument and isinstance(argument[0], str):
            yield argument[0]
        yield from condition_names(list(node.values()))


def intrinsic(node: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the function that a mapping calls, with its argument; a blank name if it calls none."""
    if len(node) == 1:
        ((key, argument),) = node.items()
        if key == REF or str(key).startswith("Fn::"):
            return key, argument
    return "", None


def chosen_branch(argument: Any, conditions: Mapping[str, bool]) -> Any:
    """Return the value that Fn::If has, or None if its condition is unknown."""
    if not isinstance(argument, list) or len(argument) != _IF_ARGUMENTS:
        return None
    chosen = conditions.get(argument[0]) if isinstance(argument[0], str) else None
    return None if chosen is None else argument[1 if chosen else 2]


def _attribute(argument: Any) -> Iterator[Reference]:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if isinstance(parts, list) and parts and all(isinstance(part, str) for part in parts):
        yield Reference(GET_ATT, parts[0], ".".join(parts[1:]))


def _variables(argument: Any, conditions: Mapping[str, bool] | None) -> Iterator[Reference]:
    text, values = (*argument, {})[:2] if isinstance(argument, list) and argument else (argument, {})
    values = values if isinstance(values, Mapping) else {}
    for variable in _VARIABLE.findall(text) if isinstance(text, str) else ():
        if variable not in values:
            name, _, attribute = variable.partition(".")
            yield Reference(SUB, name, attribute)
    yield from references(list(values.values()), conditions)

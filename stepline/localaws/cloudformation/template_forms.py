"""Refuses sections, members and functions of a template that have the wrong JSON type.

The texts of messages about functions are those of CloudFormation [user reports]; those about sections and
members say the same in its form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Node = Any

_OBJECT_SECTIONS: Final = ("Conditions", "Mappings", "Outputs", "Parameters", "Resources", "Rules")
_OBJECT_ATTRIBUTES: Final = ("CreationPolicy", "Metadata", "Properties", "UpdatePolicy")
_TEXT_ATTRIBUTES: Final = ("Condition", "DeletionPolicy", "UpdateReplacePolicy")


def wrong_forms(template: Mapping[str, Any]) -> Iterator[str]:
    """Yield the message for each part of a wrong type."""
    description = template.get("Description")
    if description is not None and not isinstance(description, str):
        yield "Template format error: Description must be a string."
    for section in _OBJECT_SECTIONS:
        if not isinstance(template.get(section, {}), Mapping):
            yield f"Template format error: {section} must be an object."
            return
    for name, resource in template.get("Resources", {}).items():
        if isinstance(resource, Mapping):
            yield from _wrong_attributes(f"/Resources/{name}", resource)
    for name, output in template.get("Outputs", {}).items():
        if isinstance(output, Mapping) and not isinstance(output.get("Export", {}), Mapping):
            yield f"Template format error: [/Outputs/{name}/Export] must be an object."
    yield from _wrong_functions(template.get("Conditions", {}))
    for member in [*template.get("Resources", {}).values(), *template.get("Outputs", {}).values()]:
        if isinstance(member, Mapping):
            yield from _wrong_functions([member.get(key) for key in ("Properties", "Value", "Export")])


def _wrong_attributes(path: str, resource: Mapping[str, Any]) -> Iterator[str]:
    for key in _OBJECT_ATTRIBUTES:
        if not isinstance(resource.get(key, {}), Mapping):
            yield f"Template format error: [{path}/{key}] must be an object."
    for key in _TEXT_ATTRIBUTES:
        allowed = str if key == "Condition" else str | Mapping
        if not isinstance(resource.get(key, ""), allowed):
            yield f"Template format error: [{path}/{key}] must be a string."
    names = resource.get("DependsOn", [])
    if not isinstance(names, str) and not _is_list_of(names, str):
        yield "Template format error: DependsOn must be a string or list of strings."


def _wrong_functions(node: Node) -> Iterator[str]:
    if isinstance(node, Mapping):
        if len(node) == 1:
            ((name, argument),) = node.items()
            is_valid, message = _FORMS.get(name, (_any, ""))
            if not is_valid(argument):
                yield f"Template error: {message}"
                return
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _wrong_functions(item)


def _any(_argument: Node) -> bool:
    return True


def _is_list_of(value: Node, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _is_list_or_function(value: Node) -> bool:
    return isinstance(value, list | Mapping)


def _list_of(*lengths: int) -> Callable[[Node], bool]:
    return lambda argument: isinstance(argument, list) and len(argument) in lengths


def _joins(argument: Node) -> bool:
    return _list_of(2)(argument) and isinstance(argument[0], str) and _is_list_or_function(argument[1])


def _selects(argument: Node) -> bool:
    return _list_of(2)(argument) and _is_list_or_function(argument[1])


def _substitutes(argument: Node) -> bool:
    if isinstance(argument, str):
        return True
    return _list_of(2)(argument) and isinstance(argument[0], str) and isinstance(argument[1], Mapping)


_FORMS: Final[Mapping[str, tuple[Callable[[Node], bool], str]]] = {
    "Fn::Cidr": (
        _list_of(2, 3),
        "every Fn::Cidr object requires an IP block, a count and, optionally, cidr bits.",
    ),
    "Fn::Equals": (_list_of(2), "every Fn::Equals object requires a list of 2 string parameters."),
    "Fn::FindInMap": (
        _list_of(3, 4),
        "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for "
        "return value",
    ),
    "Fn::GetAtt": (
        lambda argument: isinstance(argument, str) or _list_of(2)(argument),
        "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource "
        "attribute",
    ),
    "Fn::If": (_list_of(3), "Fn::If requires a list argument with three elements"),
    "Fn::Join": (
        _joins,
        "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to "
        "be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
    ),
    "Fn::Select": (
        _selects,
        "Fn::Select requires a list argument with two elements: an integer index and a list",
    ),
    "Fn::Split": (
        _list_of(2),
        "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split "
        "or a function that returns a string to be split.",
    ),
    "Fn::Sub": (
        _substitutes,
        "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first "
        "argument, and an optional second argument to specify a mapping of values to replace in the string",
    ),
}
"""Function -> whether its argument has the right form, and CloudFormation's message if not."""

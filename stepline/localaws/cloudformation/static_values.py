"""Resolves the properties of a resource as far as they are known before anything is deployed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from stepline.localaws.cloudformation.property_validation import UNKNOWN
from stepline.localaws.cloudformation.references import IF, REF, chosen_branch, intrinsic, references

Resolve = Callable[[Any], Any]
"""Resolves the function that a value calls; an error means that it cannot be resolved yet."""

_NO_VALUE = "AWS::NoValue"
_LATER = frozenset({"Fn::GetStackOutput", "Fn::ImportValue", "Fn::Transform"})


def static_value(
    node: Any, resources: Collection[str], conditions: Mapping[str, bool], resolve: Resolve
) -> Any:
    """Return the value with UNKNOWN wherever it depends on a resource, another stack, or a stored secret."""

    def value_of(part: Any) -> Any:
        if isinstance(part, str):
            return UNKNOWN if "{{resolve:" in part else part
        if isinstance(part, list):
            return [value_of(item) for item in part if not _is_no_value(item, conditions)]
        if not isinstance(part, Mapping):
            return part
        function, argument = intrinsic(part)
        if function == IF:
            chosen = chosen_branch(argument, conditions)
            return UNKNOWN if chosen is None else value_of(chosen)
        if function:
            return _resolved(part)
        return {key: value_of(item) for key, item in part.items() if not _is_no_value(item, conditions)}

    def _resolved(part: Mapping[str, Any]) -> Any:
        if any(reference.name in resources for reference in references(part)) or _calls_later(part):
            return UNKNOWN
        try:
            return value_of(resolve(part))
        except Exception:  # the deployment reports it
            return UNKNOWN

    return value_of(node)


def _is_no_value(node: Any, conditions: Mapping[str, bool]) -> bool:
    if not isinstance(node, Mapping):
        return False
    function, argument = intrinsic(node)
    if function == IF:
        return _is_no_value(chosen_branch(argument, conditions), conditions)
    return function == REF and argument == _NO_VALUE


def _calls_later(node: Any) -> bool:
    if isinstance(node, Mapping):
        return bool(_LATER & node.keys()) or any(map(_calls_later, node.values()))
    return isinstance(node, list) and any(map(_calls_later, node))

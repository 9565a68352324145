"""Evaluates the conditions of a template.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepline.localaws.cloudformation.references import intrinsic
from stepline.localaws.cloudformation.template_validation import TemplateError

Resolve = Callable[[Any], Any]
"""Resolves parameters and functions of a value."""


def evaluate_conditions(definitions: Mapping[str, Any], resolve: Resolve) -> dict[str, bool]:
    """Return the value of each condition. Raises TemplateError for conditions that refer to each other."""
    values: dict[str, bool] = {}
    pending: list[str] = []

    def named(name: str) -> bool:
        if name not in values:
            if name in pending:
                raise TemplateError(f"Template format error: Circular dependencies for condition {name}")
            pending.append(name)
            values[name] = evaluate(definitions[name])
            pending.remove(name)
        return values[name]

    def evaluate(node: Any) -> bool:
        if isinstance(node, Mapping) and set(node) == {"Condition"}:
            return named(node["Condition"])
        if not isinstance(node, Mapping):
            return bool(_comparable(node) == "true")
        function, argument = intrinsic(node)
        if function == "Fn::Equals":
            left, right = (_comparable(resolve(value)) for value in argument)
            return bool(left == right)
        if function == "Fn::Not":
            return not evaluate(argument[0])
        if function == "Fn::And":
            return all(map(evaluate, argument))
        if function == "Fn::Or":
            return any(map(evaluate, argument))
        return bool(_comparable(resolve(node)) == "true")

    return {name: named(name) for name in definitions}


def _comparable(value: Any) -> Any:
    """Return what Fn::Equals compares: 1 and "1" are equal, and so are true and "true"."""
    if isinstance(value, Mapping):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)

"""Refuses the values of a template's parameters that CloudFormation refuses, with its messages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from stepline.localaws.cloudformation.template_validation import TemplateError

_VALUES = frozenset({"AllowedValues", "Default"})

_HYPHEN_AFTER_CLASS: Final = re.compile(r"(\\[wdsWDS])-")

Given = Mapping[str, Any]
"""A parameter of a request: `Key`, and `Value` or `UsePreviousValue`."""


def with_text(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template with the default and allowed values of its parameters as text: `true`, not True."""
    parameters = {
        name: {key: _as_text(value) if key in _VALUES else value for key, value in entry.items()}
        for name, entry in (template.get("Parameters") or {}).items()
    }
    return {**template, "Parameters": parameters} if parameters else dict(template)


def check_values(
    declared: Mapping[str, Mapping[str, Any]], given: Sequence[Given], previous: Mapping[str, Any]
) -> None:
    """Raise TemplateError for missing and unknown parameters, and for values that are not allowed.

    The messages are those of [user reports].
    """
    by_name = {parameter["Key"]: parameter for parameter in given if "Key" in parameter}
    if unknown := [name for name in by_name if name not in declared]:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    for name, parameter in by_name.items():
        if parameter.get("UsePreviousValue") and name not in previous:
            raise TemplateError(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true "
                "for a parameter key not in the previous template"
            )
    if missing := [
        name for name, entry in declared.items() if name not in by_name and "Default" not in entry
    ]:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    for name, entry in declared.items():
        _check_value(name, entry, by_name.get(name, {}))


def _check_value(name: str, declared: Mapping[str, Any], given: Given) -> None:
    if given.get("UsePreviousValue") or str(declared.get("Type", "")).startswith("AWS::SSM::"):
        return
    value = _text(given.get("Value", declared.get("Default", "")))
    allowed = [_text(item) for item in declared.get("AllowedValues", ())]
    values = value.split(",") if _is_list(declared) else [value]
    if allowed and any(_text(item).strip() not in allowed for item in values):
        raise TemplateError(constraint_message(name, declared, "must be one of AllowedValues"))
    if declared.get("Type") == "Number" and not _is_number(value):
        raise TemplateError(f"Parameter '{name}' must be a number.")


def constraint_message(name: str, declared: Mapping[str, Any], reason: str) -> str:
    """Return the message for a value that breaks a constraint, which ConstraintDescription explains."""
    if description := declared.get("ConstraintDescription"):
        return f"Parameter {name} failed to satisfy constraint: {description}"
    return f"Parameter '{name}' {reason}"


def _is_list(declared: Mapping[str, Any]) -> bool:
    declared_type = str(declared.get("Type", ""))
    return declared_type == "CommaDelimitedList" or declared_type.startswith("List<")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _as_text(value: Any) -> Any:
    return [_text(item) for item in value] if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def python_pattern(pattern: str) -> str | None:
    """Return an AllowedPattern, a regular expression of Java, as Python reads it; None if it cannot be read.

    Python refuses a class such as `[\\w-.]`, in which Java takes the hyphen as itself.
    """
    for candidate in (pattern, _HYPHEN_AFTER_CLASS.sub(r"\1\\-", pattern)):
        try:
            re.compile(candidate)
        except re.error:
            continue
        return candidate
    return None

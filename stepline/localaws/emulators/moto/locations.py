"""Names the fields of a state that have JSONata expressions: `Output/total`, for errors and histories."""

from __future__ import annotations

from typing import Any, Final

from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.component import Component

_FIELDS: Final = {
    "ArgumentsJSONataTemplateValueObject": "Arguments",
    "ArgumentsStringJSONata": "Arguments",
    "AssignDecl": "Assign",
    "CatcherDecl": "Catch",
    "Cause": "Cause",
    "ChoiceRule": "Choices",
    "ConditionStringJSONata": "Condition",
    "Error": "Error",
    "HeartbeatSecondsJSONata": "HeartbeatSeconds",
    "ItemReader": "ItemReader",
    "ItemSelector": "ItemSelector",
    "ItemsArray": "Items",
    "ItemsJSONata": "Items",
    "MaxConcurrencyJSONata": "MaxConcurrency",
    "MaxItemsStringJSONata": "ReaderConfig/MaxItems",
    "Output": "Output",
    "SecondsJSONata": "Seconds",
    "TimeoutSecondsJSONata": "TimeoutSeconds",
    "Timestamp": "Timestamp",
    "ToleratedFailurePercentageStringJSONata": "ToleratedFailurePercentage",
}
"""Class of moto -> field of the definition."""
_OTHER_STATES: Final = frozenset({"branches", "iteration_component"})


def name_expressions(state: Any) -> None:
    """Give each expression of a state, without the states in it, the attribute `location`."""
    for attribute, value in vars(state).items():
        if attribute not in _OTHER_STATES:
            _name(value, "")


def _name(value: Any, path: str) -> None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            _name(item, path if hasattr(item, "identifier") or _has_binding(item) else f"{path}[{index}]")
        return
    if not isinstance(value, Component):
        return
    if isinstance(value, StringJSONata):
        value.location = path
        return
    if not isinstance(getattr(value, "identifier", None), str):
        path = _joined(path, _FIELDS.get(type(value).__name__, ""))
    else:
        path = _joined(path, value.identifier)
    for item in vars(value).values():
        _name(item, path)


def _has_binding(item: Any) -> bool:
    return hasattr(item, "binding")


def _joined(path: str, name: str) -> str:
    if path.startswith("[") and name:  # the index of a rule comes after the name of the list
        return f"{name}{path}"
    return "/".join(part for part in (path, name) if part)

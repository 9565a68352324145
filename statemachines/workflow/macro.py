"""Parses the event of a macro, and creates its response.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from statemachines.workflow.errors import MacroUseError
from stepline.core.errors import SteplineError
from stepline.core.fields import Fields, JsonObject, listed_names
from stepline.core.text import quoted

_KEY, _VERSION = "Key", "Version"
_PARAMETERS = (_KEY, _VERSION)


@dataclass(frozen=True)
class MacroEvent:
    """`{"region", "accountId", "fragment", "transformId", "params", "requestId", "templateParameterValues"}`.

    `fragment` contains the siblings of `Fn::Transform` in the template: the properties of a state machine.
    """

    request_id: str
    region: str
    account_id: str
    properties: Mapping[str, Any]
    key: str
    version: str

    @classmethod
    def parse(cls, event: Fields) -> Self:
        """Parse an event. Raise `InvalidInputError`, or `MacroUseError` if the template is wrong."""
        fragment = event.value("fragment")
        if not isinstance(fragment, Mapping) or "Resources" in fragment:
            raise MacroUseError(
                "Use this macro only by Fn::Transform inside the properties of a state machine."
            )
        parameters = _parameters(event)
        return cls(
            request_id=event.text("requestId"),
            region=event.text("region"),
            account_id=event.text("accountId"),
            properties=fragment,
            key=parameters[_KEY],
            version=parameters[_VERSION],
        )


def success(event: MacroEvent, properties: Mapping[str, Any]) -> JsonObject:
    return {"requestId": event.request_id, "status": "success", "fragment": properties}


def failure(event: Fields, error: SteplineError) -> JsonObject:
    """CloudFormation shows the message as `Transform <account>::<macro> failed with: <message>`."""
    request_id = event.value("requestId") if "requestId" in event else ""
    return {"requestId": request_id, "status": "failure", "errorMessage": error.message}


def _parameters(event: Fields) -> dict[str, str]:
    """Return `Key` and `Version`. CloudFormation passes references unresolved, with all parameter values."""
    values = event.object_or_none("templateParameterValues") or {}
    given = event.object_or_none("params") or {}
    if unknown := given.keys() - set(_PARAMETERS):
        raise MacroUseError(f"The macro has no parameter {listed_names(unknown)}; it has Key and Version.")
    return {name: _value(name, given, values) for name in _PARAMETERS}


def _value(name: str, given: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    if name not in given:
        raise MacroUseError(f"The macro lacks its parameter {name}.")
    value = given[name]
    if isinstance(value, Mapping) and list(value) == ["Ref"]:
        reference = value["Ref"]
        if not isinstance(reference, str) or reference not in values:
            raise MacroUseError(
                f"The macro's {name} refers to {quoted(reference)}, which is not a parameter of the template."
            )
        value = values[reference]
    if not isinstance(value, str):
        raise MacroUseError(f"The macro's {name} must be text, or a Ref to a parameter of the template.")
    return value.strip()

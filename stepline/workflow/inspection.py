"""What a change set would change: one definition, or it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from stepline.core.errors import UsageError
from stepline.workflow.stack_template import DEFINITION_PROPERTIES, STATE_MACHINE

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef, ResourceChangeTypeDef

_MAX_TOLD: Final = 10


def check_changes(changes: Iterable[ChangeTypeDef], logical_id: str) -> None:
    """Raises UsageError, naming whatever else would change than the definition of the state machine.

    All pages of the changes.
    """
    found = list(changes)
    others = [text for change in found if (text := _other(change, logical_id))]
    if others:
        raise UsageError(
            f"nothing was changed: the change set would do more than change the definition of {logical_id}",
            details=[*others[:_MAX_TOLD], *(["…"] if len(others) > _MAX_TOLD else [])],
        )
    if len(found) != 1:
        raise UsageError(f"nothing was changed: the change set has no change of {logical_id}")


def _other(change: ChangeTypeDef, logical_id: str) -> str:
    """What this change does besides what it may; blank if nothing."""
    resource = change.get("ResourceChange")
    if resource is None:
        return f"a change of type {change.get('Type')}"
    name = f"{resource.get('LogicalResourceId')} ({resource.get('ResourceType')})"
    action, replacement = resource.get("Action"), resource.get("Replacement")
    if resource.get("LogicalResourceId") != logical_id or resource.get("ResourceType") != STATE_MACHINE:
        return f"{name}: {action}"
    if action != "Modify" or replacement != "False":
        return f"{name}: {action}, replacement {replacement}"
    foreign = sorted(set(_changed(resource)) - DEFINITION_PROPERTIES)
    return f"{name}: {', '.join(foreign)}" if foreign else ""


def _changed(resource: ResourceChangeTypeDef) -> Iterator[str]:
    """The properties, and other attributes, that change."""
    yield from (scope for scope in resource.get("Scope", []) if scope != "Properties")
    details = resource.get("Details", [])
    if not details:
        yield "unknown properties"
    for detail in details:
        target = detail.get("Target", {})
        is_property = target.get("Attribute") == "Properties"
        yield str(target.get("Name") if is_property else target.get("Attribute"))


def check_templates(before: Mapping[str, Any], after: Mapping[str, Any], logical_id: str) -> None:
    """Raises UsageError if the processed templates differ elsewhere.

    Changes of outputs, conditions and policies of resources are no changes of a change set.
    """
    places = list(
        _differences(_without_definition(before, logical_id), _without_definition(after, logical_id))
    )
    if places:
        raise UsageError(
            "nothing was changed: the stack's template would change elsewhere than in the definition",
            details=places[:_MAX_TOLD],
        )


def check_parameters(before: Mapping[str, str], after: Mapping[str, str], own: Iterable[str]) -> None:
    """Raises UsageError if another parameter than the `own` ones gets another value. Values are not told."""
    names = (before.keys() | after.keys()) - set(own)
    if changed := sorted(name for name in names if before.get(name) != after.get(name)):
        raise UsageError(f"nothing was changed: these parameters would change: {', '.join(changed)}")


def definition_of(template: Mapping[str, Any], logical_id: str) -> object:
    """As a processed template has it: text, or an object; None if it is elsewhere."""
    properties = template["Resources"][logical_id].get("Properties", {})
    return properties.get("DefinitionString", properties.get("Definition"))


def _without_definition(template: Mapping[str, Any], logical_id: str) -> Mapping[str, Any]:
    resources = dict(template.get("Resources", {}))
    machine = dict(resources.get(logical_id, {}))
    properties = machine.get("Properties", {}).items()
    machine["Properties"] = {name: value for name, value in properties if name not in DEFINITION_PROPERTIES}
    return {**template, "Resources": {**resources, logical_id: machine}}


def _differences(before: object, after: object, place: str = "") -> Iterator[str]:
    """Where they differ, as `Outputs.QueueUrl.Value`."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys(), key=str):
            inner = f"{place}.{key}" if place else str(key)
            yield from _differences(before.get(key), after.get(key), inner)
    elif before != after:
        yield place

"""Checks that a change set changes one definition and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from stepline.core.errors import UsageError
from stepline.workflow.change_set import ChangeSet
from stepline.workflow.managed_machines import DEFINITION_PROPERTIES, STATE_MACHINE, ManagedMachine

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef, ResourceChangeTypeDef

_MAX_LISTED: Final = 10


def inspect_change_set(change_set: ChangeSet, machine: ManagedMachine, definition: str) -> object:
    """Check that the change set sets the machine's definition and changes nothing else. Raises UsageError.

    Returns the deployed definition: text, or an object; None if it is not part of the template.
    """
    check_changes(change_set.list_changes(), machine.logical_id)
    own_parameters = {machine.key_parameter, machine.version_parameter}
    check_parameters(change_set.current_parameters(), change_set.new_parameters(), own_parameters)
    current, new = change_set.current_template(), change_set.new_template()
    check_templates(current, new, machine.logical_id)
    if _definition(new, machine.logical_id) != definition:
        raise UsageError("nothing was changed: the macro inserted another definition than that of the file")
    return _definition(current, machine.logical_id)


def check_changes(changes: Iterable[ChangeTypeDef], logical_id: str) -> None:
    """Raises UsageError, with all other changes, unless only the definition of the state machine changes."""
    found = list(changes)
    others = [text for change in found if (text := _other_change(change, logical_id))]
    if others:
        raise UsageError(
            f"nothing was changed: the change set changes more than the definition of {logical_id}",
            details=[*others[:_MAX_LISTED], *(["…"] if len(others) > _MAX_LISTED else [])],
        )
    if len(found) != 1:
        raise UsageError(f"nothing was changed: the change set does not change {logical_id}")


def _other_change(change: ChangeTypeDef, logical_id: str) -> str:
    """Return what this change changes besides the definition; empty if nothing."""
    resource = change.get("ResourceChange")
    if resource is None:
        return f"a change of type {change.get('Type')}"
    name = f"{resource.get('LogicalResourceId')} ({resource.get('ResourceType')})"
    action, replacement = resource.get("Action"), resource.get("Replacement")
    if resource.get("LogicalResourceId") != logical_id or resource.get("ResourceType") != STATE_MACHINE:
        return f"{name}: {action}"
    if action != "Modify" or replacement != "False":
        return f"{name}: {action}, replacement {replacement}"
    others = sorted(set(_changed_properties(resource)) - DEFINITION_PROPERTIES)
    return f"{name}: {', '.join(others)}" if others else ""


def _changed_properties(resource: ResourceChangeTypeDef) -> Iterator[str]:
    """Yield the names of the properties and other attributes that change."""
    yield from (scope for scope in resource.get("Scope", []) if scope != "Properties")
    details = resource.get("Details", [])
    if not details:
        yield "unknown properties"
    for detail in details:
        target = detail.get("Target", {})
        is_property = target.get("Attribute") == "Properties"
        yield str(target.get("Name") if is_property else target.get("Attribute"))


def check_templates(current: Mapping[str, Any], new: Mapping[str, Any], logical_id: str) -> None:
    """Raises UsageError, with the paths, if the templates differ in anything but the definition.

    A change set does not list changes of outputs, conditions and policies of resources.
    """
    paths = list(_differences(_without_definition(current, logical_id), _without_definition(new, logical_id)))
    if paths:
        raise UsageError(
            "nothing was changed: more than the definition would change in the stack's template",
            details=paths[:_MAX_LISTED],
        )


def check_parameters(current: Mapping[str, str], new: Mapping[str, str], own: Iterable[str]) -> None:
    """Raises UsageError, without values, if any parameter but the `own` ones changes."""
    names = (current.keys() | new.keys()) - set(own)
    if changed := sorted(name for name in names if current.get(name) != new.get(name)):
        raise UsageError(f"nothing was changed: these parameters would change: {', '.join(changed)}")


def _definition(template: Mapping[str, Any], logical_id: str) -> object:
    properties = template["Resources"][logical_id].get("Properties", {})
    return properties.get("DefinitionString", properties.get("Definition"))


def _without_definition(template: Mapping[str, Any], logical_id: str) -> Mapping[str, Any]:
    resources = dict(template.get("Resources", {}))
    machine = dict(resources.get(logical_id, {}))
    properties = machine.get("Properties", {}).items()
    machine["Properties"] = {name: value for name, value in properties if name not in DEFINITION_PROPERTIES}
    return {**template, "Resources": {**resources, logical_id: machine}}


def _differences(current: object, new: object, path: str = "") -> Iterator[str]:
    """Yield the paths where the two differ, such as `Outputs.QueueUrl.Value`."""
    if isinstance(current, Mapping) and isinstance(new, Mapping):
        for key in sorted(current.keys() | new.keys(), key=str):
            inner = f"{path}.{key}" if path else str(key)
            yield from _differences(current.get(key), new.get(key), inner)
    elif current != new:
        yield path

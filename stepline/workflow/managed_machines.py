"""Finds the state machines of a template whose definitions the updater's macro inserts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stepline.core.errors import UsageError

STATE_MACHINE: Final = "AWS::StepFunctions::StateMachine"
DEFINITION_PROPERTIES: Final = frozenset({"Definition", "DefinitionS3Location", "DefinitionString"})


@dataclass(frozen=True)
class ManagedMachine:
    """A state machine whose definition is the object that two parameters of the stack name, in S3."""

    logical_id: str
    key_parameter: str
    version_parameter: str


def find_managed_machine(template: Mapping[str, Any], macro: str, logical_id: str | None) -> ManagedMachine:
    """Return the machine `logical_id`, or the only managed machine of the template. Raises UsageError."""
    machines = list_managed_machines(template, macro)
    names = ", ".join(machines)
    if logical_id is None and len(machines) > 1:
        raise UsageError(f"the stack has several state machines, choose one with --state-machine: {names}")
    name = logical_id or next(iter(machines))
    if name not in machines:
        raise UsageError(f"{name!r} is not a state machine that uses the macro {macro}; these do: {names}")
    return machines[name]


def list_managed_machines(template: Mapping[str, Any], macro: str) -> dict[str, ManagedMachine]:
    """Return the managed machines by logical id. Raises UsageError if there is none."""
    machines = {machine.logical_id: machine for machine in _managed_machines(template, macro)}
    if not machines:
        raise UsageError(
            f"no state machine of the stack gets its definition from the macro {macro}: "
            "docs/workflow.md explains what its template needs"
        )
    return machines


def _managed_machines(template: Mapping[str, Any], macro: str) -> Iterator[ManagedMachine]:
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        if not isinstance(properties, dict) or resource.get("Type") != STATE_MACHINE:
            continue
        transforms = properties.get("Fn::Transform", [])
        for transform in transforms if isinstance(transforms, list) else [transforms]:
            if isinstance(transform, dict) and transform.get("Name") == macro:
                yield _managed_machine(logical_id, transform.get("Parameters"))


def _managed_machine(logical_id: str, parameters: object) -> ManagedMachine:
    names = []
    for name in ("Key", "Version"):
        value = parameters.get(name) if isinstance(parameters, dict) else None
        if not isinstance(value, dict) or not isinstance(value.get("Ref"), str):
            raise UsageError(f"{logical_id}: the macro's {name} must be a Ref to a parameter of the stack")
        names.append(value["Ref"])
    return ManagedMachine(logical_id, *names)

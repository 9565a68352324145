"""Checks definitions of state machines: the graph here, the grammar by the interpreter."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepline.localaws.stepfunctions import errors
from stepline.localaws.stepfunctions.interpreter import Interpreter
from stepline.localaws.stepfunctions.models import MachineType

_MISSING_TARGET = "MISSING_TRANSITION_TARGET"
_SCHEMA = "SCHEMA_VALIDATION_FAILED"
_JSON = "INVALID_JSON_DESCRIPTION"

_MAX_CACHED = 64
"""Definitions: the same one is read when its machine is created and when each of its executions starts."""


@dataclass(frozen=True)
class Diagnostic:
    """One error in a definition. `location` is a JSON pointer, `code` AWS's."""

    code: str
    message: str
    location: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")


def check_definition(text: str, machine_type: MachineType, interpreter: Interpreter) -> None:
    """Raise InvalidDefinition, which lists every error, unless CreateStateMachine accepts the definition."""
    if found := find_diagnostics(text, machine_type, interpreter):
        raise errors.InvalidDefinition(", ".join(map(str, found)))


@functools.lru_cache(maxsize=_MAX_CACHED)
def timeout_seconds(text: str) -> int | None:
    """Return the machine's TimeoutSeconds; None also for an invalid definition, whose execution fails."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    seconds = document.get("TimeoutSeconds") if isinstance(document, dict) else None
    return seconds if isinstance(seconds, int) else None


def find_diagnostics(
    text: str, machine_type: MachineType, interpreter: Interpreter
) -> tuple[Diagnostic, ...]:
    """Return the errors of a definition; none if CreateStateMachine accepts it."""
    found = _find_graph_errors(text)
    if not found and (reason := interpreter.find_error(text, machine_type)):
        return (Diagnostic(_SCHEMA, reason),)
    return found


@functools.lru_cache(maxsize=_MAX_CACHED)
def _find_graph_errors(text: str) -> tuple[Diagnostic, ...]:
    try:
        document = json.loads(text)
    except ValueError as error:
        return (Diagnostic(_JSON, f"Invalid JSON description: {error}"),)
    return tuple(_machine_errors(document, "")) if isinstance(document, dict) else ()


def _machine_errors(machine: Mapping[str, Any], at: str) -> Iterator[Diagnostic]:
    """Yield missing targets, unreachable states, and resources that are not ARNs."""
    states = machine.get("States")
    start = machine.get("StartAt")
    if not isinstance(states, dict) or not isinstance(start, str):
        return
    if start not in states:
        yield Diagnostic(_MISSING_TARGET, f"Missing 'Next' target: {start}", f"{at}/StartAt")
        return
    for name, state in states.items():
        if isinstance(state, dict):
            yield from _state_errors(state, states, f"{at}/States/{name}")
    reachable = _reachable_states(start, states)
    for name in states:
        if name not in reachable:
            yield Diagnostic(_MISSING_TARGET, f'State "{name}" is not reachable.', f"{at}/States/{name}")


def _state_errors(state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Diagnostic]:
    for target, location in _transitions(state):
        if target not in states:
            yield Diagnostic(_MISSING_TARGET, f"Missing 'Next' target: {target}", f"{at}{location}")
    resource = state.get("Resource")
    if isinstance(resource, str) and not resource.startswith("arn:"):
        yield Diagnostic(_SCHEMA, "Value is not a valid resource ARN", f"{at}/Resource")
    for machine, location in _inner_machines(state):
        yield from _machine_errors(machine, f"{at}{location}")


def _reachable_states(start: str, states: Mapping[str, Any]) -> set[str]:
    reachable: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in reachable or not isinstance(states.get(name), dict):
            continue
        reachable.add(name)
        waiting.extend(target for target, _ in _transitions(states[name]))
    return reachable


def _transitions(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each state that may be next, and the location that names it."""
    for member in ("Next", "Default"):
        if isinstance(target := state.get(member), str):
            yield target, f"/{member}"
    for member in ("Choices", "Catch"):
        for index, rule in enumerate(_objects(state.get(member))):
            if isinstance(target := rule.get("Next"), str):
                yield target, f"/{member}[{index}]/Next"


def _inner_machines(state: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    for index, branch in enumerate(_objects(state.get("Branches"))):
        yield branch, f"/Branches[{index}]"
    for member in ("ItemProcessor", "Iterator"):
        if isinstance(processor := state.get(member), dict):
            yield processor, f"/{member}"


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

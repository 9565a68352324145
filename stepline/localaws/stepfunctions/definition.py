"""Whether a text is a state machine: the grammar is the interpreter's, the graph is checked here."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepline.localaws.stepfunctions import errors
from stepline.localaws.stepfunctions.execution import MachineType
from stepline.localaws.stepfunctions.interpreter import Interpreter

_MISSING_TARGET = "MISSING_TRANSITION_TARGET"
_SCHEMA = "SCHEMA_VALIDATION_FAILED"
_JSON = "INVALID_JSON_DESCRIPTION"

_MAX_REMEMBERED = 64
"""Definitions: the same one is looked at whenever its machine is created, and an execution of it starts."""


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong. `location` is a JSON pointer, `code` AWS's."""

    code: str
    message: str
    location: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")


def check_definition(text: str, machine_type: MachineType, interpreter: Interpreter) -> None:
    """Raises InvalidDefinition, naming everything that is wrong."""
    if found := diagnostics(text, machine_type, interpreter):
        raise errors.invalid_definition(", ".join(map(str, found)))


@functools.lru_cache(maxsize=_MAX_REMEMBERED)
def timeout_seconds(text: str) -> int | None:
    """The machine's TimeoutSeconds; None for a text that is no machine, which fails when it runs."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    seconds = document.get("TimeoutSeconds") if isinstance(document, dict) else None
    return seconds if isinstance(seconds, int) else None


def diagnostics(text: str, machine_type: MachineType, interpreter: Interpreter) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a definition: nothing if CreateStateMachine accepts it."""
    found = _structure_diagnostics(text)
    if not found and (reason := interpreter.find_error(text, machine_type)):
        return (Diagnostic(_SCHEMA, reason),)
    return found


@functools.lru_cache(maxsize=_MAX_REMEMBERED)
def _structure_diagnostics(text: str) -> tuple[Diagnostic, ...]:
    try:
        document = json.loads(text)
    except ValueError as error:
        return (Diagnostic(_JSON, f"Invalid JSON description: {error}"),)
    return tuple(_graph_diagnostics(document, "")) if isinstance(document, dict) else ()


def _graph_diagnostics(machine: Mapping[str, Any], at: str) -> Iterator[Diagnostic]:
    """Targets that do not exist, states that cannot be reached, resources that are no ARN."""
    states = machine.get("States")
    start = machine.get("StartAt")
    if not isinstance(states, dict) or not isinstance(start, str):
        return
    if start not in states:
        yield Diagnostic(_MISSING_TARGET, f"Missing 'Next' target: {start}", f"{at}/StartAt")
        return
    for name, state in states.items():
        if isinstance(state, dict):
            yield from _state_diagnostics(state, states, f"{at}/States/{name}")
    reached = _reachable(start, states)
    for name in states:
        if name not in reached:
            yield Diagnostic(_MISSING_TARGET, f'State "{name}" is not reachable.', f"{at}/States/{name}")


def _state_diagnostics(state: Mapping[str, Any], states: Mapping[str, Any], at: str) -> Iterator[Diagnostic]:
    for target, place in _transitions(state):
        if target not in states:
            yield Diagnostic(_MISSING_TARGET, f"Missing 'Next' target: {target}", f"{at}{place}")
    resource = state.get("Resource")
    if isinstance(resource, str) and not resource.startswith("arn:"):
        yield Diagnostic(_SCHEMA, "Value is not a valid resource ARN", f"{at}/Resource")
    for inner, place in _inner_machines(state):
        yield from _graph_diagnostics(inner, f"{at}{place}")


def _reachable(start: str, states: Mapping[str, Any]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in reached or not isinstance(states.get(name), dict):
            continue
        reached.add(name)
        waiting.extend(target for target, _ in _transitions(states[name]))
    return reached


def _transitions(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each state that may come next, and where that is said."""
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
        if isinstance(inner := state.get(member), dict):
            yield inner, f"/{member}"


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

"""Checks definitions of state machines: states and the graph here, the grammar by the interpreter."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepline.localaws.stepfunctions import errors, json_texts
from stepline.localaws.stepfunctions.definition_rules import (
    SCHEMA,
    Finding,
    Scope,
    check_state,
    required,
)
from stepline.localaws.stepfunctions.interpreter import Interpreter
from stepline.localaws.stepfunctions.models import MachineType

_MISSING_TARGET = "MISSING_TRANSITION_TARGET"
_JSON = "INVALID_JSON_DESCRIPTION"

_MAX_CACHED = 64
"""Definitions: the same one is read when its machine is created and when each of its executions starts."""


class Diagnostic(Finding):
    """One error in a definition, or a warning."""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")


def check_definition(text: str, machine_type: MachineType, interpreter: Interpreter) -> None:
    """Raise InvalidDefinition, which lists every error, unless CreateStateMachine accepts the definition."""
    found = find_diagnostics(text, machine_type, interpreter)
    if reasons := [str(item) for item in found if item.severity == "ERROR"]:
        raise errors.InvalidDefinition(", ".join(reasons))


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
    """Return the errors and warnings of a definition; no errors if CreateStateMachine accepts it."""
    found = _find_errors(text, machine_type)
    if any(item.severity == "ERROR" for item in found):
        return found
    if reason := interpreter.find_error(text, machine_type):
        return (Diagnostic(SCHEMA, reason), *found)
    return found


@functools.lru_cache(maxsize=_MAX_CACHED)
def _find_errors(text: str, machine_type: MachineType) -> tuple[Diagnostic, ...]:
    if not text.strip():
        return (Diagnostic(SCHEMA, "Definition must be a valid JSON object"),)
    try:
        document = json_texts.parse(text)
    except json_texts.JsonTextError as error:
        return (_syntax_error(text, error),)
    if not isinstance(document, dict):
        return (Diagnostic(SCHEMA, "Definition must be a valid JSON object"),)
    scope = Scope(machine_type, is_jsonata=document.get("QueryLanguage") == "JSONata")
    found = [*_machine_errors(document, "", scope), *_duplicate_names(text, document)]
    return tuple(Diagnostic(item.code, item.message, item.location, item.severity) for item in found)


def _syntax_error(text: str, error: json_texts.JsonTextError) -> Diagnostic:
    if error.column is None:
        return Diagnostic(_JSON, f"Invalid JSON description: {error}")
    place = f'[Source: (String)"{text}"; line: 1, column: {error.column}]'
    return Diagnostic(_JSON, f"{error}\n at {place}", place)


def _machine_errors(machine: Mapping[str, Any], at: str, scope: Scope) -> Iterator[Finding]:
    """Yield what is wrong in a machine: its states, missing targets, and states that are not reachable."""
    yield from required(machine, ("States", "StartAt"), at)
    timeout = machine.get("TimeoutSeconds")
    if isinstance(timeout, int) and timeout < 1:
        yield Finding(SCHEMA, "Value must be positive", f"{at}/TimeoutSeconds")
    states = machine.get("States")
    start = machine.get("StartAt")
    if not isinstance(states, dict) or not isinstance(start, str):
        return
    if start not in states:
        yield Finding(_MISSING_TARGET, f"Missing 'Next' target: {start}", f"{at}/StartAt")
        return
    objects = {name: state for name, state in states.items() if isinstance(state, dict)}
    for name, state in objects.items():
        yield from check_state(name, state, f"{at}/States/{name}", scope)
        yield from _inner_errors(state, f"{at}/States/{name}", scope)
    yield from _graph_errors(start, objects, f"{at}/States")


def _graph_errors(start: str, states: Mapping[str, Any], at: str) -> Iterator[Finding]:
    missing = [
        Finding(_MISSING_TARGET, f"Missing 'Next' target: {target}", f"{at}/{name}{location}")
        for name, state in states.items()
        for target, location in _transitions(state)
        if target not in states
    ]
    yield from missing
    reachable = _reachable_states(start, states)
    for name in states:
        if name not in reachable:
            yield Finding(_MISSING_TARGET, f'State "{name}" is not reachable.', f"{at}/{name}")
    if not missing and all(map(_continues, states.values())):
        yield Finding("MISSING_END_STATE", "The workflow does not have a terminal state", at)


def _continues(state: Mapping[str, Any]) -> bool:
    """Return whether a state is not the last one; one without Next has an error of its own."""
    return state.get("Type") == "Choice" or "Next" in state


def _duplicate_names(text: str, document: Mapping[str, Any]) -> Iterator[Finding]:
    seen = set()
    twice = json_texts.duplicate_names(text)
    for name, at in _state_names(document, ""):
        if name in seen or name in twice:
            yield Finding("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", at)
        seen.add(name)


def _state_names(machine: Mapping[str, Any], at: str) -> Iterator[tuple[str, str]]:
    states = machine.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        place = f"{at}/States/{name}"
        yield name, place
        if isinstance(state, dict):
            for inner, location in _inner_machines(state):
                yield from _state_names(inner, f"{place}{location}")


def _inner_errors(state: Mapping[str, Any], at: str, scope: Scope) -> Iterator[Finding]:
    for machine, location in _inner_machines(state):
        yield from _machine_errors(machine, f"{at}{location}", scope)


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

"""Lists the states and the lines that differ between two definitions."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

_CONTEXT_LINES = 3


def state_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return `+ Added`, `- Removed` and `~ Changed` states; those in a Map or Parallel as `Outer / Inner`.

    `~ the machine` stands for everything outside of states, such as StartAt.
    """
    old, new = dict(_states(before)), dict(_states(after))
    changes = ["~ the machine"] if _without_states(before) != _without_states(after) else []
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old:
            changes.append(f"+ {name}")
        elif name not in new:
            changes.append(f"- {name}")
        elif old[name] != new[name]:
            changes.append(f"~ {name}")
    return changes


def line_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return a unified diff of both definitions in the same JSON format."""
    old, new = (
        json.dumps(document, indent=2, ensure_ascii=False).splitlines() for document in (before, after)
    )
    return list(difflib.unified_diff(old, new, "deployed", "new", n=_CONTEXT_LINES, lineterm=""))


def _states(machine: Mapping[str, Any], outer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each state with its name, without the states within it."""
    states = machine.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        if not isinstance(state, dict):
            yield f"{outer}{name}", state
            continue
        inner = [branch for branch in _branches(state) if isinstance(branch, dict)]
        own = {key: value for key, value in state.items() if key not in _CONTAINERS}
        yield f"{outer}{name}", (own, [_without_states(branch) for branch in inner])
        for branch in inner:
            yield from _states(branch, f"{outer}{name} / ")


_CONTAINERS = ("Branches", "ItemProcessor", "Iterator")


def _branches(state: Mapping[str, Any]) -> list[Any]:
    branches = state.get("Branches")
    found = list(branches) if isinstance(branches, list) else []
    return [*found, *(state[key] for key in _CONTAINERS[1:] if key in state)]


def _without_states(machine: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in machine.items() if key != "States"}

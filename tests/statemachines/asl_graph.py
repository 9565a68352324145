"""The Deploy state machine as a graph: its states, and each way out of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.statemachines.machine import AGAIN, LOOP


@dataclass(frozen=True, order=True)
class Edge:
    """`way`: "Next", "Default", "Choice 0", "Catch 0" …"""

    state: str
    way: str
    target: str


def edges(asl: dict[str, Any]) -> set[Edge]:
    return {edge for name, state in asl["States"].items() for edge in _edges(name, state)}


def _edges(name: str, state: dict[str, Any]) -> Iterator[Edge]:
    if "Next" in state:
        yield Edge(name, "Next", state["Next"])
    for index, rule in enumerate(state.get("Choices", [])):
        yield Edge(name, f"Choice {index}", rule["Next"])
    if "Default" in state:
        yield Edge(name, "Default", state["Default"])
    for index, catcher in enumerate(state.get("Catch", [])):
        yield Edge(name, f"Catch {index}", catcher["Next"])


def edges_of_path(asl: dict[str, Any], path: list[str]) -> Iterator[Edge]:
    """The edges that a case goes along; `path` as `Run.path` has it."""
    for index, item in enumerate(path[:-1]):
        state, _, error = item.removesuffix(AGAIN).partition(": ")
        targets = [path[index + 1]]
        if item.endswith(AGAIN):
            targets.append(path[index - LOOP + 1])
        for target in targets:
            name = target.removesuffix(AGAIN).partition(": ")[0]
            yield Edge(state, _way(asl["States"][state], error, name), name)


def _way(state: dict[str, Any], error: str, target: str) -> str:
    if error:
        return next(
            f"Catch {index}"
            for index, catcher in enumerate(state["Catch"])
            if {error, "States.ALL"} & set(catcher["ErrorEquals"])
        )
    for index, rule in enumerate(state.get("Choices", [])):
        if rule["Next"] == target:
            return f"Choice {index}"
    return "Default" if state["Type"] == "Choice" else "Next"

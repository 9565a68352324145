"""A state machine as a graph: its states and the transitions between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Edge:
    """`transition`: "Next", "Default", "Choice 0", "Catch 0" …"""

    state: str
    transition: str
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

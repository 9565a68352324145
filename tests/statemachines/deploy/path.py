"""The path of an execution through the Deploy state machine, as the cases write it.

"Create Stack: StackChangedError" was left by a Catch. Of a wait loop that ran several times only one round is
written, and its last state is "Stack Created? (again)".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.statemachines.asl_graph import Edge

_LOOP_STATES = 3
"""The states of a wait loop: Wait, Task, Choice."""

_AGAIN = " (again)"


def path_of(history: Sequence[dict[str, Any]]) -> list[str]:
    path: list[str] = []
    for state in _steps(history):
        path.append(state)
        if len(path) >= 2 * _LOOP_STATES and path[-_LOOP_STATES].startswith("Wait "):
            before = [item.removesuffix(_AGAIN) for item in path[-2 * _LOOP_STATES : -_LOOP_STATES]]
            if before == path[-_LOOP_STATES:]:
                del path[-_LOOP_STATES:]
                path[-1] = before[-1] + _AGAIN
    return path


def edges_of_path(asl: dict[str, Any], path: list[str]) -> Iterator[Edge]:
    """Yield the transitions that an execution with this path took."""
    for index, item in enumerate(path[:-1]):
        state, _, error = item.removesuffix(_AGAIN).partition(": ")
        targets = [path[index + 1]]
        if item.endswith(_AGAIN):
            targets.append(path[index - _LOOP_STATES + 1])
        for target in targets:
            name = target.removesuffix(_AGAIN).partition(": ")[0]
            yield Edge(state, _transition(asl["States"][state], error, name), name)


def _steps(history: Sequence[dict[str, Any]]) -> Iterator[str]:
    state, error = "", ""
    for event in history:
        if event["type"].endswith("StateEntered"):
            state, error = event["stateEnteredEventDetails"]["name"], ""
            if event["type"] == "FailStateEntered":
                yield state
        elif event["type"] == "TaskFailed":
            error = event["taskFailedEventDetails"]["error"]
        elif event["type"] == "TaskTimedOut":
            error = "States.Timeout"
        elif event["type"] == "TaskSucceeded":
            error = ""
        elif event["type"].endswith("StateExited"):
            yield f"{state}: {error}" if error else state


def _transition(state: dict[str, Any], error: str, target: str) -> str:
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

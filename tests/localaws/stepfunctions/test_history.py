"""What is read from a history."""

from __future__ import annotations

from typing import Any

from stepline.localaws.stepfunctions.history import entered_states, failed_state, open_states
from tests.localaws.stepfunctions.world import Outcome, World


def events(*kinds: str) -> list[dict[str, Any]]:
    """Events from `enter A`, `exit A` and event types."""
    history: list[dict[str, Any]] = []
    for number, kind in enumerate(kinds, start=1):
        action, _, name = kind.partition(" ")
        event: dict[str, Any] = {"id": number, "previousEventId": number - 1, "type": kind}
        if action == "enter":
            event |= {"type": "PassStateEntered", "stateEnteredEventDetails": {"name": name}}
        elif action == "exit":
            event |= {"type": "PassStateExited", "stateExitedEventDetails": {"name": name}}
        history.append(event)
    return history


def test_nothing() -> None:
    assert entered_states([]) == []
    assert open_states([]) == []
    assert failed_state([]) is None


def test_entered_states_with_repetitions() -> None:
    history = events("ExecutionStarted", "enter A", "exit A", "enter B", "exit B", "enter A")
    assert entered_states(history) == ["A", "B", "A"]
    assert open_states(history) == ["A"]
    assert failed_state(history) is None


def test_open_states_of_iterations_with_the_same_name() -> None:
    history = events("enter Map", "enter Item", "enter Item", "exit Item")
    assert open_states(history) == ["Map", "Item"]


def test_failed_state() -> None:
    history = events("enter A", "exit A", "enter B", "TaskFailed", "ExecutionFailed")
    assert failed_state(history) == "B"


def test_failed_state_of_an_execution_that_was_ended_from_outside() -> None:
    history = events("enter A", "exit A", "enter B", "ExecutionTimedOut")
    history[-1]["previousEventId"] = 0
    assert failed_state(history) == "B"


def test_failure_before_any_state() -> None:
    assert failed_state(events("ExecutionFailed")) is None


def test_state_within_a_map_that_failed(world: World) -> None:
    each = {
        "Type": "Map",
        "Iterator": {"StartAt": "Bad", "States": {"Bad": {"Type": "Fail", "Error": "Bad"}}},
        "End": True,
    }
    outcome = world.run({"Before": {"Type": "Pass", "Next": "Each"}, "Each": each}, [1])
    assert isinstance(outcome, Outcome)
    assert outcome.path == ["Before", "Each", "Bad"]
    assert failed_state(outcome.history) in {"Bad", "Each"}

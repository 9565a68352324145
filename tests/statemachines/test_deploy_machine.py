"""The whole Deploy state machine, along every way through its graph."""

from __future__ import annotations

from typing import Any

import pytest

from tests.statemachines import asl_graph, cases
from tests.statemachines.machine import Machine, Run, load_asl

MAX_CAUSE_CHARACTERS = 32_768
MAX_HISTORY_EVENTS = 25_000


@pytest.mark.parametrize("name", cases.names())
def test_way_through_the_graph(name: str, machine: Machine) -> None:
    case = cases.load(name)
    run = cases.run(machine, case)
    assert run.path == case["path"], f"{run.error}: {run.cause}"
    _check_outcome(run, case["outcome"])
    _check_aftermath(machine, case.get("after", {}))
    assert len(run.history) < MAX_HISTORY_EVENTS


def test_every_state_and_every_transition_has_a_case() -> None:
    """The paths of the cases are what really happens: `test_way_through_the_graph` asserts them."""
    asl = load_asl()
    covered = {
        edge for name in cases.names() for edge in asl_graph.edges_of_path(asl, cases.load(name)["path"])
    }
    assert sorted(asl_graph.edges(asl) - covered) == []
    assert sorted(covered - asl_graph.edges(asl)) == []
    assert set(asl["States"]) == {edge.state for edge in covered} | {edge.target for edge in covered}


def _check_outcome(run: Run, outcome: dict[str, Any]) -> None:
    if "output" in outcome:
        assert (run.status, run.output) == ("SUCCEEDED", outcome["output"])
        return
    assert (run.status, run.error, run.path[-1]) == ("FAILED", outcome["error"], outcome["end"])
    for part in outcome["cause"]:
        assert part in run.cause
    assert not run.cause.startswith("{")
    assert len(run.cause) <= MAX_CAUSE_CHARACTERS


def _check_aftermath(machine: Machine, after: dict[str, Any]) -> None:
    cloudformation = machine.cloudformation
    assert not [key for key in machine.s3.objects if key[1].startswith("templates/")]
    stack = cloudformation.stack_named(cases.STACK_NAME)
    for attribute in ("status", "policy", "tags"):
        if attribute in after:
            assert getattr(stack, attribute) == after[attribute]
    if "stacks" in after:
        assert len(cloudformation.stacks) == after["stacks"]
    if "changeSets" in after:
        assert len(cloudformation.change_sets) == after["changeSets"]
    for operation, count in after.get("calls", {}).items():
        assert len(cloudformation.called(operation)) == count, operation

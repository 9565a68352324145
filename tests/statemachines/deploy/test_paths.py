"""Executions of the whole Deploy state machine, over every transition. The cases are in `cases/`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.statemachines import asl_graph
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import DeployExecution, Machine, load_asl
from tests.statemachines.deploy.path import edges_of_path

MAX_CAUSE_CHARACTERS = 32_768
MAX_HISTORY_EVENTS = 25_000


@pytest.mark.parametrize("name", case_runner.names())
def test_execution_takes_the_path_of_the_case(name: str, machine: Machine) -> None:
    case = case_runner.load(name)
    execution = case_runner.run(machine, case)
    assert execution.path == case["path"], (
        f"the path was {json.dumps(execution.path)} {execution.error} {execution.cause}"
    )
    _check_result(execution, case["expected"])
    assert len(machine.approvers.results) == len(case.get("answered", ())), machine.approvers.results
    for result, expected in zip(machine.approvers.results, case.get("answered", ()), strict=True):
        assert result.startswith(expected), result
    _check_afterwards(machine, case_runner.stack_name(case), case.get("after", {}))
    assert len(execution.history) < MAX_HISTORY_EVENTS


def test_every_state_and_every_transition_has_a_case() -> None:
    """The paths of the cases are real: `test_execution_takes_the_path_of_the_case` compares them."""
    asl = load_asl()
    covered = {
        edge for name in case_runner.names() for edge in edges_of_path(asl, case_runner.load(name)["path"])
    }
    assert sorted(asl_graph.edges(asl) - covered) == []
    assert sorted(covered - asl_graph.edges(asl)) == []
    assert set(asl["States"]) == {edge.state for edge in covered} | {edge.target for edge in covered}


def _check_result(execution: DeployExecution, expected: dict[str, Any]) -> None:
    if "output" in expected:
        assert (execution.status, execution.output) == ("SUCCEEDED", expected["output"])
        return
    assert (execution.status, execution.error) == ("FAILED", expected["error"])
    for part in expected["cause"]:
        assert part in execution.cause
    assert not execution.cause.startswith("{")
    assert len(execution.cause) <= MAX_CAUSE_CHARACTERS


def _check_afterwards(machine: Machine, stack_name: str, after: dict[str, Any]) -> None:
    cloudformation = machine.cloudformation
    assert not [key for _, key in machine.s3.objects if key.startswith("templates/")]
    stack = cloudformation.stack_named(stack_name)
    for attribute in ("status", "policy", "tags"):
        if attribute in after:
            assert getattr(stack, attribute) == after[attribute]
    if "stacks" in after:
        assert len(cloudformation.stacks) == after["stacks"]
    if "changeSets" in after:
        assert len(cloudformation.change_sets) == after["changeSets"]
    for operation, count in after.get("calls", {}).items():
        assert len(cloudformation.called(operation)) == count, operation

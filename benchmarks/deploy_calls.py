"""Counts the AWS calls of one execution of the Deploy state machine, with the real handlers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import Machine

PATHS = {"a new stack": "new_stack", "an update": "update", "nothing to change": "unchanged"}
"""Test cases by path; each wait loop runs twice."""


@dataclass(frozen=True)
class DeployCalls:
    """`states` is the number of state transitions; `aws` are the calls of the functions."""

    invocations: int
    states: int
    aws: Counter[str]


def measure() -> dict[str, DeployCalls]:
    return {path: _run(case) for path, case in PATHS.items()}


def _run(case: str) -> DeployCalls:
    machine = Machine()
    with machine.connected():
        execution = case_runner.run(machine, case_runner.load(case))
    assert execution.status == "SUCCEEDED", execution.cause
    return DeployCalls(
        invocations=len(machine.functions.invocations),
        states=len(execution.states),
        aws=Counter(name for name, _ in [*machine.s3.calls, *machine.cloudformation.calls]),
    )

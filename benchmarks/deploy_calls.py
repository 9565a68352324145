"""Counts the AWS calls of one execution of the Deploy state machine, with the real handlers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

from stepline.core import clients
from tests.statemachines import cases
from tests.statemachines.machine import ENVIRONMENT, Machine

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
    with _functions_of(machine):
        run = cases.run(machine, cases.load(case))
    assert run.status == "SUCCEEDED", run.cause
    return DeployCalls(
        invocations=len(machine.functions.invocations),
        states=sum(event["type"].endswith("StateEntered") for event in run.history),
        aws=Counter(name for name, _ in [*machine.s3.calls, *machine.cloudformation.calls]),
    )


@contextmanager
def _functions_of(machine: Machine) -> Iterator[None]:
    """Let the handlers use the clients and settings of `machine`."""
    with (
        mock.patch.dict(os.environ, ENVIRONMENT),
        mock.patch.object(clients, "cloudformation", return_value=machine.clients["cloudformation"]),
        mock.patch.object(clients, "s3", return_value=machine.clients["s3"]),
    ):
        yield

"""What one run of the Deploy state machine asks of AWS, counted on the real machine and handlers."""

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

WAYS = {"a new stack": "new_stack", "an update": "update", "nothing to change": "unchanged"}
"""Ways through the graph, as the cases of the tests tell them: each wait loop goes round twice."""


@dataclass(frozen=True)
class DeployCalls:
    """`states` entered count as transitions; `aws` holds the calls of the functions."""

    invocations: int
    states: int
    aws: Counter[str]


def measure() -> dict[str, DeployCalls]:
    return {way: _run(case) for way, case in WAYS.items()}


def _run(case: str) -> DeployCalls:
    machine = Machine()
    with _as_functions_of(machine):
        run = cases.run(machine, cases.load(case))
    assert run.status == "SUCCEEDED", run.cause
    return DeployCalls(
        invocations=len(machine.functions.invocations),
        states=sum(event["type"].endswith("StateEntered") for event in run.history),
        aws=Counter(name for name, _ in [*machine.s3.calls, *machine.cloudformation.calls]),
    )


@contextmanager
def _as_functions_of(machine: Machine) -> Iterator[None]:
    """The handlers' clients and settings are those of `machine`."""
    with (
        mock.patch.dict(os.environ, ENVIRONMENT),
        mock.patch.object(clients, "cloudformation", return_value=machine.clients["cloudformation"]),
        mock.patch.object(clients, "s3", return_value=machine.clients["s3"]),
    ):
        yield

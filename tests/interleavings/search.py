"""Looks for an interleaving that violates an invariant, among a number of examples."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.interleavings.rules import Interleavings

STEPS = 30
"""The most rules in an example."""


def search(seed_: int | None, *, examples: int, phases: Collection[Phase] = tuple(Phase)) -> None:
    """Raise the AssertionError of the shortest example that was found; its notes have the example.

    Without a seed, the examples are always the same.
    """
    machine = Interleavings if seed_ is None else seed(seed_)(Interleavings)
    run_state_machine_as_test(
        machine,
        settings=settings(
            derandomize=seed_ is None,
            max_examples=examples,
            stateful_step_count=STEPS,
            phases=phases,
            deadline=None,
            database=None,
            verbosity=Verbosity.normal,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""Invariants of all scenarios, for any faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.faults.known_errors import known_errors
from tests.faults.schedule import REPEATS, TRANSIENT
from tests.faults.world import World


def no_execution_runs(world: World) -> Iterator[str]:
    for execution in world.executions:
        if execution.running:
            yield f"the execution {execution.name} of {execution.machine.name} still runs"


def no_execution_is_started_twice(world: World) -> Iterator[str]:
    for name, count in Counter(world.started).items():
        if count > 1:
            yield f"the execution {name} was started {count} times"


def every_error_is_known(world: World) -> Iterator[str]:
    for run in world.functions.invocations:
        if run.error and not run.killed and run.error not in known_errors():
            yield f"{run.function} ended with {run.error}: {run.message}"


def only_transient_faults(world: World) -> bool:
    return world.schedule.faults <= TRANSIENT | REPEATS


def differences(found: Any, expected: Any) -> Iterator[str]:
    """Yield what transient faults have changed: `found` and `expected` are endings."""
    for name, value in vars(expected).items():
        if vars(found)[name] != value:
            yield f"transient faults changed the {name}: {vars(found)[name]} instead of {value}"

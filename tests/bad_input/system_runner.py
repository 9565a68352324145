"""Runs bad input through a function or a state machine of a system, and checks what must hold for any input.

A system joins with one file, `tests/bad_input/targets_<system>.py`, which has

GROUPS    group of the corpus -> function that takes what a case gives and returns an `Outcome`
TARGETS   `Target`s for the fuzzer
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tests.bad_input.observed import USER_VALUE
from tests.bad_input.outcome import Outcome, check_message
from tests.faults.known_errors import known_errors
from tests.faults.network import FUNCTION_SECRETS, Network
from tests.faults.schedule import Schedule
from tests.faults.system_scenario import SystemScenario
from tests.faults.system_world import SystemWorld

MAX_CALLS = 12
"""The AWS calls of one function that gets bad input."""

Group = Callable[[Mapping[str, Any]], Outcome]


def _nothing(_world: SystemWorld) -> None:
    """Do nothing."""


def invoke(
    scenario: SystemScenario,
    function: str,
    event: Any,
    *,
    prepare: Callable[[SystemWorld], None] = _nothing,
    inspect: Callable[[SystemWorld], None] = _nothing,
) -> Outcome:
    """Invoke the function once, in the world of a scenario of the fault tests.

    `prepare` is called before it; `inspect` after everything that it has started.
    """
    invocations = []

    def act(world: SystemWorld) -> None:
        prepare(world)
        invocations.append(world.invoke(function, event))

    world = SystemWorld(_network(), Schedule(scenario.name), replace(scenario, act=act))
    world.run()
    (invocation,) = invocations
    outcome = Outcome(
        error=invocation.error,
        message=invocation.message,
        answer=None if invocation.error else invocation.result,
        started=tuple(execution.input for execution in world.executions),
        calls=tuple(str(call.operation) for call in invocation.calls),
    )
    _check(world, outcome)
    inspect(world)
    return outcome


@functools.cache
def _network() -> Network:
    return Network()


def _check(world: SystemWorld, outcome: Outcome) -> None:
    log = world.log.getvalue()
    for secret in (USER_VALUE, *FUNCTION_SECRETS):
        assert secret not in log
        assert secret not in outcome.message
    assert not any(execution.running for execution in world.executions)
    assert len(outcome.calls) <= MAX_CALLS
    if outcome.error:
        assert outcome.error in known_errors(), f"{outcome.error}: {outcome.message}"
        check_message(outcome.message)
        assert not outcome.started, "what was refused has started something"

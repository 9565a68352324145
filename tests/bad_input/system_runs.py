"""One bad thing, given to a function or a state machine of a system; and what must hold whatever it was.

A system joins with one file, `tests/bad_input/targets_<system>.py` (`targets_s3_trigger.py`), which has

GROUPS    folder of `corpus/` -> function that takes a case's `give` and answers a `Told`
TARGETS   `Target`s for the fuzzer

A case of such a folder ends with `told` (the error's name, and parts of its message) or, if what was given is
legal, with `answers`, members of the answer.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stepline.core.limits import MAX_MESSAGE_CHARACTERS
from tests.bad_input.observed import USER_VALUE
from tests.faults.kinds import Schedule
from tests.faults.known_errors import known_errors
from tests.faults.network import FUNCTION_SECRETS, Network
from tests.faults.system import SystemWorld, Way

MAX_CALLS = 12
"""Of AWS, by one function that is given something bad."""


@dataclass(frozen=True)
class Told:
    """`error` is empty if it was accepted; `started` are the executions' inputs; `calls` are those of AWS."""

    error: str
    message: str
    answer: Any
    started: tuple[str, ...]
    calls: tuple[str, ...]


def _nothing(_world: SystemWorld) -> None:
    pass


Group = Callable[[Mapping[str, Any]], Told]


def invoke(
    way: Way,
    function: str,
    event: Any,
    *,
    prepare: Callable[[SystemWorld], None] = _nothing,
    look: Callable[[SystemWorld], None] = _nothing,
) -> Told:
    """Run the function once. `way` is one of the fault simulation, without its beginning.

    `prepare` comes before it; `look` after everything that it started has ended.
    """
    runs = []

    def begin(world: SystemWorld) -> None:
        prepare(world)
        runs.append(world.invoke(function, event))

    world = _run(replace(way, begin=begin))
    (run,) = runs
    failed = run.answer if run.error else None
    told = Told(
        error=run.error,
        message=run.message,
        answer=None if failed else run.answer,
        started=tuple(execution.input for execution in world.executions),
        calls=tuple(str(call.operation) for call in run.made),
    )
    _check(world, told)
    look(world)
    return told


def execute(way: Way, machine: str, document: Any) -> Told:
    """Start the state machine, and let it come to its end."""
    world = _run(replace(way, begin=lambda world: world.start(machine, document)))
    execution = next(item for item in world.executions if item.machine.name == machine)
    told = Told(
        error=execution.error or "",
        message=execution.cause or "",
        answer=json.loads(execution.output) if execution.output else None,
        started=tuple(item.input for item in world.executions if item is not execution),
        calls=tuple(str(call.operation) for call in world.calls),
    )
    _check(world, told)
    return told


def kind(told: Told) -> str:
    """The answer without names, numbers and what else differs."""
    text = re.sub(r'".*"|s3://\S+|arn:\S+|https://\S+', "…", told.message)
    return f"{told.error or 'accepted'}: {re.sub(r'[0-9][0-9,.]*', '#', text)[:80]}"


def _run(way: Way) -> SystemWorld:
    world = SystemWorld(_network(), Schedule(way.name), way)
    world.run()
    return world


@functools.cache
def _network() -> Network:
    return Network()


def _check(world: SystemWorld, told: Told) -> None:
    log = world.log.getvalue()
    for secret in (USER_VALUE, *FUNCTION_SECRETS):
        assert secret not in log
        assert secret not in told.message
    assert not any(execution.running for execution in world.executions)
    assert len(told.calls) <= MAX_CALLS
    if told.error:
        assert told.error in known_errors(), f"{told.error}: {told.message}"
        assert told.message
        assert told.message.isprintable()
        assert len(told.message) <= MAX_MESSAGE_CHARACTERS
        assert not told.started, "what was refused has started something"

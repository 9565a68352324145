"""The rules from which Hypothesis builds interleavings, looking for one that violates an invariant."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.faults.network import ENVIRONMENT, Network
from tests.faults.schedule import REPEATS, TRANSIENT, Fault
from tests.interleavings import invariants
from tests.interleavings.pushes import Kind
from tests.interleavings.world import Interference, Plan, World

_MODES = ("QUEUED", "SUPERSEDED", "PARALLEL")
_STACKS = ("shared", "shared", "own")  # most pipelines share a stack, because conflicts are more interesting
_AT_CALLS = tuple(sorted(TRANSIENT | (REPEATS - {Fault.LATE})))

_which = st.integers(0, 12)
_calls_ahead = st.integers(1, 24)
_pipelines = st.integers(0, 3)


@functools.cache
def network() -> Network:
    """Return the one network of the process, because clients take long to make."""
    os.environ.update(ENVIRONMENT)
    return Network()


@dataclass
class Totals:
    """What was run, over all examples."""

    examples: int = 0
    steps: int = 0
    executions: int = 0
    calls: int = 0

    def add(self, world: World, steps: int) -> None:
        self.examples += 1
        self.steps += steps
        self.executions += len(world.executions)
        self.calls += len(world.calls)


class Interleavings(RuleBasedStateMachine):
    """A rule is one thing that may happen next; one that is impossible at that moment does nothing."""

    totals = Totals()
    world: World | None = None
    steps = 0

    @initialize(
        modes=st.lists(st.sampled_from(_MODES), min_size=2, max_size=4),
        stacks=st.lists(st.sampled_from(_STACKS), min_size=4, max_size=4),
        accept_seconds=st.sampled_from((0, 5)),
    )
    def create_pipelines(self, modes: list[str], stacks: list[str], accept_seconds: int) -> None:
        plans = [
            Plan(f"pipeline-{number}", mode, stack if stack == "shared" else f"own-{number}")
            for number, (mode, stack) in enumerate(zip(modes, stacks, strict=False))
        ]
        self.world = World(network(), plans, accept_seconds=accept_seconds)
        self.world.open()

    @rule(pipeline=_pipelines, kind=st.sampled_from(Kind))
    def push(self, pipeline: int, kind: Kind) -> None:
        name = self._name(pipeline)
        self._world.push_to(name, kind)
        self._world.start(name)

    @rule()
    def next_callback(self) -> None:
        self._world.clock.step()

    @rule(seconds=st.integers(1, 180))
    def time_passes(self, seconds: int) -> None:
        self._world.clock.advance(seconds)

    @rule(fault=st.sampled_from(_AT_CALLS), calls_ahead=_calls_ahead)
    def call_will_fail(self, fault: Fault, calls_ahead: int) -> None:
        self._world.plan_fault(calls_ahead, fault)

    @rule(kind=st.sampled_from(Interference), which=_which)
    def others_interfere(self, kind: Interference, which: int) -> None:
        self._world.interfere(kind, which)

    @rule(kind=st.sampled_from(Interference), which=_which, calls_ahead=_calls_ahead)
    def others_will_interfere(self, kind: Interference, which: int, calls_ahead: int) -> None:
        self._world.plan_interference(calls_ahead, kind, which)

    @invariant()
    def no_violation(self) -> None:
        if self.world is not None:
            self.steps += 1
            _assert_none(invariants.after_every_step(self.world))

    def teardown(self) -> None:
        if self.world is None:
            return
        try:
            if sys.exc_info()[0] is None:
                self.world.drain()
                _assert_none(invariants.at_the_end(self.world))
        finally:
            self.totals.add(self.world, self.steps)
            self.world.close()

    @property
    def _world(self) -> World:
        assert self.world is not None
        return self.world

    def _name(self, pipeline: int) -> str:
        names = list(self._world.plans)
        return names[pipeline % len(names)]


def _assert_none(violations: list[str]) -> None:
    assert not violations, "\n".join(dict.fromkeys(violations))

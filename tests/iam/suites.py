"""Runs the scenarios that show which permissions of a stack are needed. A system adds one file.

`tests/iam/scenarios_<system>.py` (`scenarios_s3_trigger.py`) is found by its name. It defines

LANES      tuples of scenarios, for the template's default parameters. A scenario is a function that takes a
           `System`, uses it as a user would, and raises an AssertionError if the result is wrong. It can be
           repeated and leaves nothing that disturbs another one. Lanes run in parallel, the scenarios of
           a lane one after another.
VARIANTS   optional: `Variant`s, scenarios that need other parameters of the template.
SYSTEM     optional: a subclass of `System` that the scenarios take.

Each action of each statement of each role in the system's `template.yaml` (and `sample.yaml`, whose stack is
`system.sample`) needs a scenario in which nothing else allows a request, and so does each resource that a
statement lists. Calls that must be denied to a role are in `tests/iam/out_of_scope_<system>.json`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.iam.permissions import Permission
from tests.iam.stacks import APPLICATION
from tests.iam.system import System

Scenario = Callable[[Any], None]
Lane = tuple[Scenario, ...]


def _nothing(_system: System) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Variant:
    """Scenarios with other `parameters` of the stack.

    `prepare` creates what they name, and returns the parameters whose values are not known before.
    """

    parameters: Mapping[str, str]
    scenarios: Lane
    prepare: Callable[[System], Mapping[str, str]] = field(default=_nothing)

    def deploy(self, system: System) -> None:
        """Update the stack. May be repeated."""
        created = self.prepare(system)
        system.deploy_with({**self.parameters, **created})


@dataclass(frozen=True)
class Suite:
    """The scenarios of one stack and of its sample's."""

    stack: str
    lanes: tuple[Lane, ...]
    variants: tuple[Variant, ...]
    system: type[System]

    @property
    def scenarios(self) -> list[Scenario]:
        """Return the scenarios for the default parameters."""
        return [scenario for lane in self.lanes for scenario in lane]


@dataclass
class Observed:
    """`used`: permission -> the number of its resources for which it was needed. `denials`: messages."""

    used: dict[Permission, int] = field(default_factory=dict)
    denials: list[str] = field(default_factory=list)

    def add(self, systems: Iterable[System]) -> None:
        """Add what the systems' roles have used since the record was cleared."""
        for system in systems:
            for permission, resources in system.used().items():
                self.used[permission] = max(self.used.get(permission, 0), resources)
            self.denials = list(dict.fromkeys([*self.denials, *system.denials()]))


@functools.cache
def suites() -> dict[str, Suite]:
    """Return the suites by the name of the stack."""
    found = [_suite(APPLICATION, "scenarios")]
    for file in sorted(Path(__file__).parent.glob("scenarios_*.py")):
        system = file.stem.removeprefix("scenarios_").replace("_", "-")
        found.append(_suite(f"{APPLICATION}-{system}", file.stem))
    return {suite.stack: suite for suite in found}


def _suite(stack: str, module_name: str) -> Suite:
    module = importlib.import_module(f"tests.iam.{module_name}")
    return Suite(stack, module.LANES, getattr(module, "VARIANTS", ()), getattr(module, "SYSTEM", System))


def run_suites(endpoint_url: str, selected: Sequence[Suite], *, restore: bool = True) -> Observed:
    """Return what the roles need. The default parameters come first: others add permissions to roles."""
    observed = Observed()
    systems = [suite.system(endpoint_url, suite.stack) for suite in selected]
    systems[0].clear_record()
    run_lanes((lane, system) for suite, system in zip(selected, systems, strict=True) for lane in suite.lanes)
    observed.add(systems)
    for suite, system in zip(selected, systems, strict=True):
        for variant in suite.variants:
            variant.deploy(system)
            system.clear_record()
            run_lanes([(variant.scenarios, system)])
            observed.add([system])
        if suite.variants and restore:
            system.deploy_with({})
    return observed


def run_lanes(lanes: Iterable[tuple[Lane, System]]) -> None:
    """Run the lanes in parallel. Raises the error of a scenario."""

    def run(lane: tuple[Lane, System]) -> None:
        scenarios, system = lane
        for scenario in scenarios:
            scenario(system)

    parallel = list(lanes)
    with ThreadPoolExecutor(len(parallel)) as executor:
        list(executor.map(run, parallel))

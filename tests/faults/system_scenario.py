"""Scenarios of the systems besides the pipeline.

A system joins with one file, `tests/faults/scenarios_<system>.py`, that has `SCENARIOS`, a tuple of
`SystemScenario`s. A scenario acts on a `SystemWorld`:

    def act(world: SystemWorld) -> None:
        world.s3.put(world.bucket("TargetBucket"), "a.txt", b"text")
        world.deliver("StartExecutionFunction", EVENT)

    SCENARIOS = (SystemScenario("s3_trigger", "notification", act),)

`make faults ARGS="--scenario s3_trigger/notification"` then explores it; `system_invariants.py` has the
checks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults import system_invariants, task_calls
from tests.faults.network import Network
from tests.faults.schedule import CLASSES, Fault, Schedule
from tests.faults.sites import Site, possible_classes
from tests.faults.system_world import SystemWorld
from tests.faults.world import Service
from tests.system_template import SystemTemplate


def _nothing(_world: SystemWorld) -> Iterable[str]:
    return ()


def _no_services(_world: SystemWorld) -> Mapping[str, Service]:
    return {}


@dataclass(frozen=True)
class SystemScenario:
    """Its name is `<system>/<case>`; `system` is the folder in `statemachines/`.

    `act`           does what a user or AWS does, and appends the responses to `world.responses`
    `stored`        returns what is stored in the end, which no transient fault may change
    `check`         returns one sentence for each violated invariant of this scenario's own
    `includes`      returns whether an execution belongs to the ending, as all do by default
    `parameters`    of the template, where not the defaults
    `services`      returns fakes of further AWS services that the functions call, by botocore's names
    `task_clients`  clients of Task states that are not functions, such as "batch"
    `synchronous`   functions whose caller waits for them, so that no event is delivered twice
    `impossible`    faults that this system cannot have; a comment says why
    `secrets`       data of users that no log may have
    `is_resilient`  whether transient faults must not change the ending, however long a call has them
    """

    system: str
    case: str
    act: Callable[[SystemWorld], None]
    stored: Callable[[SystemWorld], Iterable[str]] = _nothing
    check: Callable[[SystemWorld], Iterable[str]] = _nothing
    includes: Callable[[SystemWorld, Any], bool] = lambda _world, _execution: True
    parameters: Mapping[str, str] = field(default_factory=dict)
    services: Callable[[SystemWorld], Mapping[str, Service]] = _no_services
    task_clients: Mapping[str, Callable[[SystemWorld], Any]] = field(default_factory=dict)
    synchronous: frozenset[str] = frozenset()
    impossible: frozenset[Fault] = frozenset()
    secrets: tuple[str, ...] = ()
    is_resilient: bool = True

    @property
    def name(self) -> str:
        return f"{self.system}/{self.case}"

    def template(self) -> SystemTemplate:
        return _template(self.system, tuple(sorted(self.parameters.items())))

    def world(self, network: Network, schedule: Schedule) -> SystemWorld:
        return SystemWorld(network, schedule, self)

    def ending(self, world: SystemWorld) -> Ending:
        return Ending(
            executions=tuple(
                sorted(
                    f"{item.machine.name} {item.status.value} {item.error or ''}"
                    for item in world.executions
                    if self.includes(world, item)
                )
            ),
            responses=tuple(world.responses),
            stored=tuple(self.stored(world)),
        )

    def violations(self, world: SystemWorld, expected: Ending) -> list[str]:
        return system_invariants.violations(world, expected)

    def responses(self, world: SystemWorld) -> list[str]:
        return world.responses

    def fault_classes(self, site: Site | None) -> Mapping[str, tuple[Fault, ...]]:
        function = site.function if site else ""
        excluded = set(CLASSES["pipeline"] + CLASSES["stack"]) | self.impossible
        if function.startswith(task_calls.PREFIX):
            excluded |= set(Fault) - task_calls.possible(function)
        elif function in self.synchronous:
            excluded |= set(CLASSES["repeated"])
        found = {
            name: tuple(fault for fault in faults if fault not in excluded)
            for name, faults in possible_classes(site, is_trigger=False).items()
        }
        return {name: faults for name, faults in found.items() if faults}

    def is_common_start(self, _functions: tuple[str, ...]) -> bool:
        return False


@dataclass(frozen=True)
class Ending:
    """How a scenario ended: what no transient fault may change."""

    executions: tuple[str, ...]
    responses: tuple[str, ...]
    stored: tuple[str, ...]


@functools.cache
def _template(system: str, parameters: tuple[tuple[str, str], ...]) -> SystemTemplate:
    return SystemTemplate(system, dict(parameters))

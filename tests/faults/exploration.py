"""Chooses the schedules to run, and runs them.

Every call of every scenario gets a fault of each class; calls that many scenarios have in common get them in
a few scenarios, and of calls that a scenario repeats while it waits, the first ones and the last one get
them. The seed decides which fault of the class it is, so another seed tries others. Then pairs: the second
fault hits the calls that are made because of the first one, until the calls are again those of the scenario
without faults. From there on, a second fault is the same as a single one. Pairs that hit the same two calls
of the same functions with the same classes are run in one scenario only. Of a scenario with many pairs, the
seed draws some.

With `everything`, each call gets every fault of each class, and no pair is left out.
"""

from __future__ import annotations

import itertools
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.network import Network
from tests.faults.scenarios import scenarios
from tests.faults.schedule import CLASSES, Fault, Injection, Schedule
from tests.faults.sites import Site
from tests.faults.world import World

_SECOND_CLASSES: Mapping[str, tuple[Fault, ...]] = {
    "nothing happened": CLASSES["not acted"] + CLASSES["dead before"],
    "unnoticed": CLASSES["acted"] + CLASSES["dead after"],
    "elsewhere": CLASSES["denied"] + CLASSES["call denied"] + CLASSES["repeated"],
    "older": CLASSES["stale"],
}
"""The classes of second faults are larger."""

_SCENARIOS_WITH_COMMON_START = 16
"""In so many scenarios the calls of a common start get faults."""

_FIRST_REPETITIONS = 2
"""Of the calls at the same place of a scenario, so many of the first ones get faults, and the last one."""

_PAIRS_PER_SCENARIO = 500
"""A worker that is woken often makes other calls after a fault until it ends: thousands of pairs."""

_CALLS_AFTER_PIPELINE_FAULT = 3
"""The second fault after one of a pipeline hits one of so many calls."""

_NUMBERS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")


@dataclass(frozen=True)
class Baseline:
    """A scenario in which nothing fails."""

    scenario: str
    sites: tuple[Site, ...]
    ending: Any


@dataclass(frozen=True)
class Result:
    """`aftermath`: the calls that were made because of the faults, as (number, site)."""

    schedule: Schedule
    violations: tuple[str, ...] = ()
    aftermath: tuple[tuple[int, Site], ...] = ()


@dataclass
class Finding:
    """A violation, and the shortest schedule that leads to it."""

    text: str
    schedule: Schedule
    count: int = 1


class Explorer:
    """Runs schedules, in one process."""

    def __init__(self) -> None:
        self._network = Network()
        self._baselines: dict[str, Baseline] = {}

    def baseline(self, scenario: str) -> Baseline:
        if scenario not in self._baselines:
            world = self.world(Schedule(scenario))
            world.run()
            self._baselines[scenario] = Baseline(scenario, _sites(world), scenarios()[scenario].ending(world))
        return self._baselines[scenario]

    def world(self, schedule: Schedule) -> Any:
        return scenarios()[schedule.scenario].world(self._network, schedule)

    def run(self, schedule: Schedule) -> Result:
        baseline = self.baseline(schedule.scenario)
        world = self.world(schedule)
        try:
            world.run()
        except Exception as error:  # an error of the simulation counts as a violation
            return Result(schedule, (f"the simulation failed: {error!r}",))
        violations = scenarios()[schedule.scenario].violations(world, baseline.ending)
        return Result(schedule, tuple(dict.fromkeys(violations)), _aftermath(world, baseline, schedule))


def singles(baselines: Sequence[Baseline], *, seed: int, everything: bool = False) -> Iterator[Schedule]:
    """Yield schedules without faults, and with a fault of each class at every call and after the last one.

    Many scenarios have the same calls until the first task runs: of those, a few get faults there.
    """
    starts: Counter[object] = Counter()
    for baseline in baselines:
        scenario = scenarios()[baseline.scenario]
        yield Schedule(baseline.scenario)
        repetitions = _repetitions(baseline.sites)
        for call in range(1, len(baseline.sites) + 2):
            if call in repetitions and not everything:
                continue
            start = baseline.sites[:call]
            starts[start] += 1
            is_common = scenario.is_common_start(tuple(function for function, *_ in start))
            if is_common and starts[start] > _SCENARIOS_WITH_COMMON_START and not everything:
                continue
            site = start[-1] if call <= len(baseline.sites) else None
            classes = scenario.fault_classes(site)
            for fault in _faults(classes, baseline.scenario, call, seed=seed, everything=everything):
                yield Schedule(baseline.scenario, (Injection(call, fault),))


def _repetitions(sites: Sequence[Site]) -> set[int]:
    """Return the calls that were made at the same place more than once before, and will be again."""
    calls: dict[Site, list[int]] = {}
    for call, site in enumerate(sites, start=1):
        calls.setdefault(site, []).append(call)
    return {call for same in calls.values() for call in same[_FIRST_REPETITIONS:-1]}


def pairs(
    baselines: Sequence[Baseline], results: Iterable[Result], *, seed: int, everything: bool = False
) -> Iterator[Schedule]:
    """Yield schedules with a second fault at calls that were made because of the first one."""
    by_scenario: dict[str, list[Schedule]] = {}
    for schedule in _all_pairs(baselines, results, seed=seed, everything=everything):
        by_scenario.setdefault(schedule.scenario, []).append(schedule)
    for scenario, found in by_scenario.items():
        limit = len(found) if everything else min(len(found), _PAIRS_PER_SCENARIO)
        yield from random.Random(zlib.crc32(f"{seed} {scenario}".encode())).sample(found, limit)


def _all_pairs(
    baselines: Sequence[Baseline], results: Iterable[Result], *, seed: int, everything: bool
) -> Iterator[Schedule]:
    sites = {baseline.scenario: baseline.sites for baseline in baselines}
    seen: set[object] = set()
    for result in results:
        if not result.schedule.injections:
            continue
        (first,) = result.schedule.injections
        own_sites = sites[result.schedule.scenario]
        if result.violations or first.call > len(own_sites):
            continue
        if first.fault is Fault.EXECUTION_EXPIRED:
            continue  # after 90 days nothing that was sent before is still to be delivered
        site, first_class = own_sites[first.call - 1], class_of(first.fault)
        # What a pipeline does later after such a fault is another pipeline execution, tested by itself.
        is_short = first_class == "pipeline"
        aftermath = result.aftermath[:_CALLS_AFTER_PIPELINE_FAULT] if is_short else result.aftermath
        scenario = scenarios()[result.schedule.scenario]
        for (call, second_site), name in itertools.product(aftermath, _SECOND_CLASSES):
            possible = {fault for faults in scenario.fault_classes(second_site).values() for fault in faults}
            second = tuple(fault for fault in _SECOND_CLASSES[name] if fault in possible)
            key = (site, first_class, second_site, name)
            if key in seen and not everything:
                continue
            seen.add(key)
            for fault in _faults(
                {name: second}, str(result.schedule), call, seed=seed, everything=everything
            ):
                yield result.schedule.plus(Injection(call, fault))


def class_of(fault: Fault) -> str:
    return next(name for name, faults in CLASSES.items() if fault in faults)


def _faults(
    classes: Mapping[str, tuple[Fault, ...]], place: str, call: int, *, seed: int, everything: bool
) -> Iterator[Fault]:
    """Yield one fault of each class, or all of them."""
    for name, faults in classes.items():
        if everything:
            yield from faults
        elif faults:
            dice = random.Random(zlib.crc32(f"{seed} {place} {call} {name}".encode()))
            yield dice.choice(faults)


def _sites(world: World) -> tuple[Site, ...]:
    return tuple(
        Site(call.function, str(call.operation), call.position, call.operation.role) for call in world.calls
    )


def _aftermath(world: World, baseline: Baseline, schedule: Schedule) -> tuple[tuple[int, Site], ...]:
    """Return the calls from the first fault until the calls are those of the baseline again."""
    sites = _sites(world)
    start = min((injection.call for injection in schedule.injections), default=0)
    same = 0
    while (
        same < len(sites) - start
        and sites[-1 - same : len(sites) - same]
        == baseline.sites[len(baseline.sites) - 1 - same : len(baseline.sites) - same]
    ):
        same += 1
    return tuple((number + 1, sites[number]) for number in range(start, len(sites) - same))


@dataclass
class Findings:
    """The violations, by their text without numbers."""

    runs: int = 0
    found: dict[str, Finding] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        self.runs += 1
        for text in result.violations:
            finding = self.found.setdefault(_NUMBERS.sub("#", text), Finding(text, result.schedule, 0))
            finding.count += 1
            if _length(result.schedule) < _length(finding.schedule):
                finding.text, finding.schedule = text, result.schedule

    @property
    def violations(self) -> int:
        return sum(finding.count for finding in self.found.values())


def _length(schedule: Schedule) -> tuple[int, int, str]:
    calls = [injection.call for injection in schedule.injections]
    return len(calls), sum(calls), schedule.scenario

"""Which schedules are run, and what came of them.

Every call of every way gets a fault of every class (what all ways have in common, on a few of
them); which one of the class, the seed decides, so that another seed tries another. Then pairs:
the second fault hits what the function and the state machine do because of the first one, until
the run is back on its way. From there on a second fault is nothing but a single one. Pairs that
hit the same two calls of the same functions with the same classes are run on one way only.

`everything`: every fault of every class, and every such pair on every way.
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

from tests.faults.kinds import CLASSES, Fault, Injection, Schedule
from tests.faults.network import Network
from tests.faults.way import Way
from tests.faults.ways import ways
from tests.faults.world import World

_SECOND: Mapping[str, tuple[Fault, ...]] = {
    "nothing happened": CLASSES["not acted"] + CLASSES["dead before"],
    "unnoticed": CLASSES["acted"] + CLASSES["dead after"],
    "elsewhere": CLASSES["denied"] + CLASSES["repeated"],
}
"""Classes of second faults, coarser."""

_COMMON_BEGINNINGS = 16
"""So many ways meet faults in what is the same on all of them."""

_CALLS_AFTER_PIPELINE = 3
"""So soon after something was done to the pipeline a second fault may follow."""

_NUMBERS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")

Site = tuple[str, str, int, str]
"""Where in the code a call is: function, operation, the how-manieth of its run, with whose credentials."""


@dataclass(frozen=True)
class Baseline:
    """A way when nothing fails."""

    way: str
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
    """A violation, and the shortest schedule that shows it."""

    text: str
    schedule: Schedule
    count: int = 1


class Explorer:
    """Runs schedules, in one process."""

    def __init__(self) -> None:
        self._network = Network()
        self._baselines: dict[str, Baseline] = {}

    def baseline(self, way: str) -> Baseline:
        if way not in self._baselines:
            simulation = self.simulation(Schedule(way))
            simulation.run()
            self._baselines[way] = Baseline(way, _sites(simulation), _way(way).ending(simulation))
        return self._baselines[way]

    def simulation(self, schedule: Schedule) -> Any:
        return _way(schedule.way).simulation(self._network, schedule)

    def run(self, schedule: Schedule) -> Result:
        baseline = self.baseline(schedule.way)
        simulation = self.simulation(schedule)
        try:
            simulation.run()
        except Exception as error:  # the simulation itself broke: as bad as any violation
            return Result(schedule, (f"the run broke: {error!r}",))
        found = tuple(dict.fromkeys(_way(schedule.way).violations(simulation, baseline.ending)))
        return Result(schedule, found, _aftermath(simulation, baseline, schedule))


def singles(baselines: Sequence[Baseline], *, seed: int, everything: bool = False) -> Iterator[Schedule]:
    """A fault of every class at every call, and after the last one.

    All ways begin alike, until the first task runs: a few of them are enough for that.
    """
    begun: Counter[object] = Counter()
    for baseline in baselines:
        way = _way(baseline.way)
        for call in range(1, len(baseline.sites) + 2):
            beginning = baseline.sites[:call]
            begun[beginning] += 1
            is_common = way.is_common(tuple(function for function, *_ in beginning))
            if is_common and begun[beginning] > _COMMON_BEGINNINGS and not everything:
                continue
            function = beginning[-1][0] if call <= len(baseline.sites) else ""
            classes = way.classes(function)
            for fault in _faults(classes, baseline.way, call, seed=seed, everything=everything):
                yield Schedule(baseline.way, (Injection(call, fault),))


def pairs(
    baselines: Sequence[Baseline], results: Iterable[Result], *, seed: int, everything: bool = False
) -> Iterator[Schedule]:
    """A second fault at every call that a first one brought about."""
    sites = {baseline.way: baseline.sites for baseline in baselines}
    seen: set[object] = set()
    for result in results:
        (first,) = result.schedule.injections
        if result.violations or first.call > len(sites[result.schedule.way]):
            continue
        if first.fault is Fault.EXECUTION_EXPIRED:
            continue  # after 90 days nothing that was sent before is still under way
        place, kind = sites[result.schedule.way][first.call - 1], class_of(first.fault)
        # What a pipeline goes on to do after such a thing is another run of its own, and tried as such.
        aftermath = result.aftermath[:_CALLS_AFTER_PIPELINE] if kind == "pipeline" else result.aftermath
        way = _way(result.schedule.way)
        for (call, site), name in itertools.product(aftermath, _SECOND):
            possible = {fault for faults in way.classes(site[0]).values() for fault in faults}
            second = tuple(fault for fault in _SECOND[name] if fault in possible)
            key = (place, kind, site, name)
            if key in seen and not everything:
                continue
            seen.add(key)
            for fault in _faults(
                {name: second}, str(result.schedule), call, seed=seed, everything=everything
            ):
                yield result.schedule.plus(Injection(call, fault))


def _way(name: str) -> Way:
    return ways()[name]


def class_of(fault: Fault) -> str:
    return next(name for name, faults in CLASSES.items() if fault in faults)


def _faults(
    classes: Mapping[str, tuple[Fault, ...]], place: str, call: int, *, seed: int, everything: bool
) -> Iterator[Fault]:
    """One fault of each class, or all of them."""
    for name, faults in classes.items():
        if everything:
            yield from faults
        elif faults:
            turn = zlib.crc32(f"{seed} {place} {call} {name}".encode())
            yield random.Random(turn).choice(faults)


def _sites(simulation: World) -> tuple[Site, ...]:
    return tuple(
        (call.function, str(call.operation), call.position, call.operation.role) for call in simulation.calls
    )


def _aftermath(simulation: World, baseline: Baseline, schedule: Schedule) -> tuple[tuple[int, Site], ...]:
    """From the first fault's call to where the run is as it would have been without it."""
    sites = _sites(simulation)
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
    """What was found, by the words of the violation without its numbers."""

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
    return len(calls), sum(calls), schedule.way

"""Calls that a schedule names by operation: `DeleteStack-1` is the first call of DeleteStack."""

from __future__ import annotations

from tests.faults.exploration import Explorer
from tests.faults.schedule import Fault, Injection, Schedule


class UnknownPlaceError(ValueError):
    """The scenario has no such call."""


def resolve(text: str, explorer: Explorer) -> Schedule:
    """Parse a schedule such as `update: 3 throttled + CreateChangeSet-2 killed-after`.

    The later calls are those after the faults before them. Raise ValueError for any other text.
    """
    scenario, _, rest = text.partition(":")
    schedule = Schedule(scenario.strip())
    for part in rest.split("+"):
        if part.strip() not in {"", "nothing"}:
            place, fault = part.split()
            schedule = schedule.plus(Injection(_number(place, schedule, explorer), Fault(fault)))
    return schedule


def _number(place: str, schedule: Schedule, explorer: Explorer) -> int:
    if place.isdigit():
        return int(place)
    name, _, position = place.partition("-")
    world = explorer.world(schedule)
    world.run()
    numbers: list[int] = [call.number for call in world.calls if call.operation.name == name]
    if not 0 < int(position) <= len(numbers):
        raise UnknownPlaceError(f"{schedule} has {len(numbers)} calls of {name}")
    return numbers[int(position) - 1]

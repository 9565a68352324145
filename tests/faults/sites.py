"""Where in the code a call is, and what may go wrong there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tests.faults.schedule import CLASSES, LONG_CALLS, READS, Fault


class Site(NamedTuple):
    """`operation` is `service:Name`, `position` the call's number in the invocation, `role` that of its
    credentials.
    """

    function: str
    operation: str
    position: int
    role: str

    @property
    def operation_name(self) -> str:
        return self.operation.partition(":")[2]


def possible_classes(
    site: Site | None, *, is_trigger: bool, is_worker: bool = False
) -> Mapping[str, tuple[Fault, ...]]:
    """Return what may go wrong at a call; None is the time after the last call."""
    name, role = (site.operation_name, site.role) if site else ("", "")
    is_first_call = site is not None and site.position == 1
    possible = {
        "queued": (is_trigger or is_worker) and is_first_call,
        "queued too long": is_trigger and is_first_call,
        "lost": is_worker and is_first_call,
    }
    return {
        class_: faults
        for class_, faults in CLASSES.items()
        if is_possible(faults[0], name, role) and possible.get(class_, True)
    }


def is_possible(fault: Fault, operation: str, role: str) -> bool:
    """Return whether the fault may occur at a call of the operation with credentials of this role."""
    match fault:
        case Fault.STALE | Fault.STALE_MINUTE:
            return operation in READS
        case Fault.REPEATED_WHILE_WAITING:
            return operation in LONG_CALLS
        case Fault.PAUSED:
            return role not in {"task", ""}  # the tasks of an execution run one at a time
    return True

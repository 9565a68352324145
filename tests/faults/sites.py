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


def possible_classes(site: Site | None, *, is_trigger: bool) -> Mapping[str, tuple[Fault, ...]]:
    """Return what may go wrong at a call; None is the time after the last call."""
    name, role = (site.operation_name, site.role) if site else ("", "")
    has_no_queue = not is_trigger or site is None or site.position > 1
    return {
        class_: faults
        for class_, faults in CLASSES.items()
        if is_possible(faults[0], name, role) and not (class_.startswith("queued") and has_no_queue)
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

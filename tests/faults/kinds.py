"""What may go wrong at one AWS call, and the schedules made of it.

A schedule says which calls of a run go wrong, and how: `update: 12 throttled + 17 killed-after`
is the way `update`, with the 12th call throttled and the function killed just after its 17th.
Calls are counted from 1, over all functions of the run; a call that botocore sends
several times counts once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Fault(enum.StrEnum):
    """`…-once`: the first attempt only, which the client's own retry makes good."""

    THROTTLED = "throttled"
    THROTTLED_ONCE = "throttled-once"
    SERVER_ERROR = "server-error"
    SERVER_ERROR_ONCE = "server-error-once"
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_REFUSED_ONCE = "connection-refused-once"
    TIMED_OUT_BEFORE = "timed-out-before"  # no answer, and the service has not acted
    TIMED_OUT_BEFORE_ONCE = "timed-out-before-once"
    TIMED_OUT_AFTER = "timed-out-after"  # no answer, but the service has acted
    TIMED_OUT_AFTER_ONCE = "timed-out-after-once"
    CUT_SHORT = "cut-short"  # the service has acted, its answer breaks off
    CUT_SHORT_ONCE = "cut-short-once"
    KILLED_BEFORE = "killed-before"
    KILLED_AFTER = "killed-after"
    FUNCTION_TIMED_OUT_BEFORE = "function-timed-out-before"
    FUNCTION_TIMED_OUT_AFTER = "function-timed-out-after"

    ACCESS_DENIED = "access-denied"  # from this call on, for this operation and role

    REPEATED_BEFORE = "repeated-before"  # the same invocation a second time, at the same time
    REPEATED_AFTER = "repeated-after"
    LATE = "late"  # the event of the action's first job once more
    EXECUTION_STOPPED = "execution-stopped"
    EXECUTION_EXPIRED = "execution-expired"  # Step Functions has forgotten it
    EXECUTION_REDRIVEN = "execution-redriven"
    PIPELINE_STOPPED = "pipeline-stopped"
    PIPELINE_ABANDONED = "pipeline-abandoned"
    PIPELINE_SUPERSEDED = "pipeline-superseded"  # another execution starts behind this one
    STAGE_RETRIED = "stage-retried"

    @property
    def is_once(self) -> bool:
        return self.endswith("-once")

    @property
    def lasting(self) -> Fault:
        """The same trouble at every attempt."""
        return Fault(self.removesuffix("-once"))


CLASSES: Mapping[str, tuple[Fault, ...]] = {
    "not acted": (
        Fault.THROTTLED,
        Fault.SERVER_ERROR,
        Fault.CONNECTION_REFUSED,
        Fault.TIMED_OUT_BEFORE,
    ),
    "acted": (Fault.TIMED_OUT_AFTER, Fault.CUT_SHORT),
    "once": (
        Fault.TIMED_OUT_AFTER_ONCE,
        Fault.THROTTLED_ONCE,
        Fault.SERVER_ERROR_ONCE,
        Fault.CUT_SHORT_ONCE,
        Fault.CONNECTION_REFUSED_ONCE,
        Fault.TIMED_OUT_BEFORE_ONCE,
    ),
    "dead before": (Fault.KILLED_BEFORE, Fault.FUNCTION_TIMED_OUT_BEFORE),
    "dead after": (Fault.KILLED_AFTER, Fault.FUNCTION_TIMED_OUT_AFTER),
    "denied": (Fault.ACCESS_DENIED,),
    "repeated": (Fault.REPEATED_AFTER, Fault.REPEATED_BEFORE, Fault.LATE),
    "execution": (Fault.EXECUTION_STOPPED, Fault.EXECUTION_REDRIVEN, Fault.EXECUTION_EXPIRED),
    "pipeline": (
        Fault.PIPELINE_STOPPED,
        Fault.PIPELINE_ABANDONED,
        Fault.PIPELINE_SUPERSEDED,
        Fault.STAGE_RETRIED,
    ),
}
"""Faults of one class look the same to the function, or are met by the same part of it."""

TRANSIENT = frozenset(
    fault for name in ("not acted", "acted", "once", "dead before", "dead after") for fault in CLASSES[name]
)
"""Must never change how an action ends."""

REPEATS = frozenset(CLASSES["repeated"])
"""Must change nothing at all."""


@dataclass(frozen=True, order=True)
class Injection:
    call: int
    fault: Fault

    def __str__(self) -> str:
        return f"{self.call} {self.fault}"


@dataclass(frozen=True)
class Schedule:
    """`str(schedule)` is what `--replay` takes."""

    way: str
    injections: tuple[Injection, ...] = ()

    def __str__(self) -> str:
        return f"{self.way}: {' + '.join(map(str, self.injections)) or 'nothing'}"

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Raises ValueError for a text that is none."""
        way, _, rest = text.partition(":")
        parts = [part.split() for part in rest.split("+") if part.strip() not in {"", "nothing"}]
        return cls(way.strip(), tuple(Injection(int(call), Fault(fault)) for call, fault in parts))

    def plus(self, injection: Injection) -> Schedule:
        return Schedule(self.way, (*self.injections, injection))

    @property
    def faults(self) -> frozenset[Fault]:
        return frozenset(injection.fault for injection in self.injections)

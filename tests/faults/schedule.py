"""What may go wrong at one AWS call, and the schedules of such faults.

A schedule says which calls of a scenario go wrong, and how: `update: 12 throttled + 17 killed-after` is the
scenario `update`, in which the 12th call is throttled and the function is killed just after the 17th. Calls
are counted from 1, over all functions; a call that botocore retries counts once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Fault(enum.StrEnum):
    """`…-once`: only the first attempt of the call, so that the client's own retry succeeds."""

    THROTTLED = "throttled"
    THROTTLED_ONCE = "throttled-once"
    SERVER_ERROR = "server-error"
    SERVER_ERROR_ONCE = "server-error-once"
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_REFUSED_ONCE = "connection-refused-once"
    TIMED_OUT_BEFORE = "timed-out-before"  # no response, and the service has not acted
    TIMED_OUT_BEFORE_ONCE = "timed-out-before-once"
    TIMED_OUT_AFTER = "timed-out-after"  # no response, but the service has acted
    TIMED_OUT_AFTER_ONCE = "timed-out-after-once"
    SERVER_ERROR_AFTER = "server-error-after"  # the service has acted, and responds with an error
    CUT_SHORT = "cut-short"  # the service has acted, and its response breaks off
    CUT_SHORT_ONCE = "cut-short-once"
    KILLED_BEFORE = "killed-before"
    KILLED_AFTER = "killed-after"
    FUNCTION_TIMED_OUT_BEFORE = "function-timed-out-before"
    FUNCTION_TIMED_OUT_AFTER = "function-timed-out-after"

    ACCESS_DENIED = "access-denied"  # from this call on, for this operation and role
    CALL_DENIED = "call-denied"  # only this call

    STALE = "stale"  # a read returns the state before the latest change
    STALE_MINUTE = "stale-minute"  # a read returns the state of a minute ago
    PAUSED = "paused"  # the function pauses for a minute before the call, while everything else continues
    EVENT_DELAYED = "event-delayed"  # Lambda is busy: the event of this invocation waits for ten minutes
    EVENT_LATE = "event-late"  # so long that its job times out

    EVENT_LOST = "event-lost"  # EventBridge does not deliver the event of this invocation

    REPEATED_BEFORE = "repeated-before"  # the same invocation a second time, at the same time
    REPEATED_AFTER = "repeated-after"
    LATE = "late"  # the event of the action's first job is delivered again
    REPEATED_WHILE_WAITING = "repeated-while-waiting"  # the call takes minutes, and meanwhile the event comes
    EXECUTION_STOPPED = "execution-stopped"
    EXECUTION_EXPIRED = "execution-expired"  # Step Functions has deleted it
    EXECUTION_REDRIVEN = "execution-redriven"
    PIPELINE_STOPPED = "pipeline-stopped"
    PIPELINE_ABANDONED = "pipeline-abandoned"
    PIPELINE_SUPERSEDED = "pipeline-superseded"  # another execution starts behind this one
    STAGE_RETRIED = "stage-retried"
    STACK_REPLACED = "stack-replaced"  # deleted and created again under its name, by another process
    STACK_RECREATED = "stack-recreated"  # the same, with the tags and the role that it had
    STACK_DELETED = "stack-deleted"

    @property
    def is_once(self) -> bool:
        return self.endswith("-once")

    @property
    def lasting(self) -> Fault:
        """The same fault at every attempt."""
        return Fault(self.removesuffix("-once"))


CLASSES: Mapping[str, tuple[Fault, ...]] = {
    "not acted": (
        Fault.THROTTLED,
        Fault.SERVER_ERROR,
        Fault.CONNECTION_REFUSED,
        Fault.TIMED_OUT_BEFORE,
    ),
    "acted": (Fault.TIMED_OUT_AFTER, Fault.CUT_SHORT, Fault.SERVER_ERROR_AFTER),
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
    "call denied": (Fault.CALL_DENIED,),
    "stale": (Fault.STALE, Fault.STALE_MINUTE),
    "paused": (Fault.PAUSED,),
    "queued": (Fault.EVENT_DELAYED,),
    "queued too long": (Fault.EVENT_LATE,),
    "lost": (Fault.EVENT_LOST,),
    "repeated": (Fault.REPEATED_AFTER, Fault.REPEATED_BEFORE, Fault.LATE),
    "execution": (Fault.EXECUTION_STOPPED, Fault.EXECUTION_REDRIVEN, Fault.EXECUTION_EXPIRED),
    "pipeline": (
        Fault.PIPELINE_STOPPED,
        Fault.PIPELINE_ABANDONED,
        Fault.PIPELINE_SUPERSEDED,
        Fault.STAGE_RETRIED,
    ),
    "waiting": (Fault.REPEATED_WHILE_WAITING,),
    "stack": (Fault.STACK_RECREATED, Fault.STACK_REPLACED, Fault.STACK_DELETED),
}
"""Faults of one class look the same to a function, or are handled by the same code."""

READS = frozenset(
    {
        "DescribeChangeSet",
        "DescribeExecution",
        "DescribeStackEvents",
        "DescribeStacks",
        "GetExecutionHistory",
        "ListChangeSets",
    }
)
"""The operations that are eventually consistent. The others are writes, or what they read never changes."""

LONG_CALLS = frozenset({"StartSyncExecution"})
"""The calls that may take minutes."""

STALE = frozenset(CLASSES["stale"])

_TRANSIENT_CLASSES = ("not acted", "acted", "once", "dead before", "dead after", "stale", "paused")
TRANSIENT = frozenset(
    {fault for name in _TRANSIENT_CLASSES for fault in CLASSES[name]}
    | {Fault.EVENT_DELAYED, Fault.EVENT_LOST}
)
"""These must never change how an action ends."""

REPEATS = frozenset(CLASSES["repeated"] + CLASSES["waiting"])
"""These must change nothing at all."""

DENIALS = frozenset(CLASSES["denied"] + CLASSES["call denied"])


@dataclass(frozen=True, order=True)
class Injection:
    """A fault at the call with this number."""

    call: int
    fault: Fault

    def __str__(self) -> str:
        return f"{self.call} {self.fault}"


@dataclass(frozen=True)
class Schedule:
    """`str(schedule)` is the text for `--replay`."""

    scenario: str
    injections: tuple[Injection, ...] = ()

    def __str__(self) -> str:
        return f"{self.scenario}: {' + '.join(map(str, self.injections)) or 'nothing'}"

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Parse `str(schedule)`; raises ValueError for any other text."""
        scenario, _, rest = text.partition(":")
        parts = [part.split() for part in rest.split("+") if part.strip() not in {"", "nothing"}]
        injections = tuple(Injection(int(call), Fault(fault)) for call, fault in parts)
        return cls(scenario.strip(), injections)

    def plus(self, injection: Injection) -> Schedule:
        return Schedule(self.scenario, (*self.injections, injection))

    @property
    def faults(self) -> frozenset[Fault]:
        return frozenset(injection.fault for injection in self.injections)

"""Reads the states that an execution of a state machine visited, from GetExecutionHistory.

Within a Map or Parallel the first event of an iteration or branch leads back to `MapIterationStarted` or
`ParallelStateStarted`. `stepline.core.executions.history` has the other facts about events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from stepline.aws.statuses import VisitStatus
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Status
from stepline.core.executions.failure import Failure, failure
from stepline.core.executions.history import HistoryEvent, parse_event
from stepline.core.limits import HISTORY_EVENTS

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_STARTS_INNER_STATES = frozenset({"MapIterationStarted", "ParallelStateStarted"})
_ENDS = {
    "ExecutionFailed": Status.FAILED,
    "ExecutionTimedOut": Status.TIMED_OUT,
    "ExecutionAborted": Status.ABORTED,
}
_VISIT_ENDS = {
    Status.FAILED: VisitStatus.FAILED,
    Status.TIMED_OUT: VisitStatus.TIMED_OUT,
    Status.ABORTED: VisitStatus.ABORTED,
}


@dataclass(frozen=True)
class StateVisit:
    """One visit of a state; `id` is that of its entered event, `depth` is 0 outside a Map or Parallel."""

    id: int
    name: str
    depth: int
    entered: datetime
    exited: datetime | None = None
    status: VisitStatus = VisitStatus.RUNNING
    error: str | None = None
    cause: str | None = None

    def duration(self, now: datetime) -> timedelta:
        return (self.exited or now) - self.entered


def parse_standard_execution(external_execution_id: str | None) -> ExecutionArn | None:
    """Return the ARN of a Standard execution, or None for any other id: only those have a history."""
    arn = ExecutionArn.parse(external_execution_id or "")
    return None if arn is None or arn.is_express else arn


class ExecutionHistory:
    """The history of one execution; each `update` reads only new events."""

    def __init__(self, stepfunctions: SFNClient, execution: ExecutionArn) -> None:
        self._stepfunctions = stepfunctions
        self._execution = execution
        self._events: list[HistoryEvent] = []

    def update(self) -> tuple[StateVisit, ...]:
        """Read new events and return all visits so far."""
        last_id = self._events[-1].id if self._events else 0
        self._events.extend(sorted(self._read_newer_than(last_id), key=lambda event: event.id))
        return list_visits(self._events)

    @property
    def failure(self) -> Failure | None:
        """Why the execution failed; None if it is running or has succeeded."""
        if not self._events or self._events[-1].type not in _ENDS:
            return None
        end = self._events[-1]
        return failure(_ENDS[end.type], end.error, end.cause, self._events[::-1])

    def _read_newer_than(self, last_id: int) -> Iterator[HistoryEvent]:
        pages = self._stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=str(self._execution),
            reverseOrder=True,
            includeExecutionData=False,
            PaginationConfig={"PageSize": HISTORY_EVENTS},
        )
        for page in pages:
            for item in page["events"]:
                if item["id"] <= last_id:
                    return
                yield parse_event(item)


def list_visits(events: Sequence[HistoryEvent]) -> tuple[StateVisit, ...]:
    """Return the visited states, in the order in which they were entered. `events` are oldest first."""
    return _VisitCollector(events).all()


class _VisitCollector:
    """Collects visits from events, oldest first.

    For each event it keeps the visit in which the event happened (0 between two states) and the enclosing
    Map or Parallel (0 outside of any).
    """

    def __init__(self, events: Iterable[HistoryEvent]) -> None:
        self._visits: dict[int, StateVisit] = {}  # by the id of the entered event
        self._container_of: dict[int, int] = {}  # visit -> the enclosing Map or Parallel
        self._containers: set[int] = set()  # visits that are a Map or Parallel
        self._visit_at: dict[int, int] = {}  # event -> visit
        self._container_at: dict[int, int] = {}  # event -> the enclosing Map or Parallel
        self._failed_containers: set[int] = set()  # events by which a Map or Parallel failed
        for event in events:
            self._add(event)

    def all(self) -> tuple[StateVisit, ...]:
        return tuple(self._visits.values())

    def _add(self, event: HistoryEvent) -> None:
        if event.is_entered:
            self._enter(event)
        elif event.is_exited:
            self._exit(event)
        elif event.type in _ENDS:
            self._end(event)
        elif event.type.startswith(("Map", "Parallel")):
            self._record_in_container(event)
        else:
            self._record(event, self._visit_at.get(event.previous_id, 0))

    def _enter(self, event: HistoryEvent) -> None:
        previous = self._visit_at.get(event.previous_id, 0)
        container = self._container_at.get(event.previous_id, 0)
        if previous and self._visits[previous].exited is None:  # happens only after a Catch
            self._change(previous, exited=event.time, status=VisitStatus.CAUGHT)
        depth = self._visits[container].depth + 1 if container else 0
        self._visits[event.id] = StateVisit(event.id, event.name or "?", depth, event.time)
        self._container_of[event.id] = container
        self._visit_at[event.id], self._container_at[event.id] = event.id, container
        if event.type.startswith(("Map", "Parallel")):
            self._containers.add(event.id)

    def _exit(self, event: HistoryEvent) -> None:
        visit_id = self._visit_before(event)
        while visit_id and self._visits[visit_id].name != event.name:
            visit_id = self._container_of[visit_id]
        self._visit_at[event.id], self._container_at[event.id] = 0, self._container_of.get(visit_id, 0)
        if visit_id:
            caught = self._visits[visit_id].error is not None
            status = VisitStatus.CAUGHT if caught else VisitStatus.SUCCEEDED
            self._change(visit_id, exited=event.time, status=status)

    def _end(self, event: HistoryEvent) -> None:
        status = _VISIT_ENDS[_ENDS[event.type]]
        for visit_id, visit in self._visits.items():
            if visit.exited is None:
                error, cause = visit.error or event.error, visit.cause or event.cause
                self._change(visit_id, exited=event.time, status=status, error=error, cause=cause)

    def _record_in_container(self, event: HistoryEvent) -> None:
        visit_id = self._visit_before(event)
        if event.previous_id in self._failed_containers:  # a Map within a Map: the event is the outer one's
            visit_id = self._container_of.get(visit_id, 0)
        while visit_id and visit_id not in self._containers:
            visit_id = self._container_of[visit_id]
        self._record(event, visit_id)
        if event.type in _STARTS_INNER_STATES:
            self._visit_at[event.id], self._container_at[event.id] = 0, visit_id
        elif _fails(event) and "State" in event.type:
            self._failed_containers.add(event.id)

    def _record(self, event: HistoryEvent, visit_id: int) -> None:
        self._visit_at[event.id] = visit_id
        self._container_at[event.id] = self._container_at.get(event.previous_id, 0)
        if not visit_id:
            return
        self._container_at[event.id] = self._container_of[visit_id]
        if _fails(event):
            error = event.error or self._visits[visit_id].error or event.type
            self._change(visit_id, error=error, cause=event.cause)
        elif event.type.endswith("Succeeded"):  # a retry succeeded
            self._change(visit_id, error=None, cause=None)

    def _visit_before(self, event: HistoryEvent) -> int:
        """Return the visit in which the previous event happened, or else the enclosing Map or Parallel."""
        return self._visit_at.get(event.previous_id, 0) or self._container_at.get(event.previous_id, 0)

    def _change(self, visit_id: int, **changes: Any) -> None:
        self._visits[visit_id] = replace(self._visits[visit_id], **changes)


def _fails(event: HistoryEvent) -> bool:
    return event.is_failure or event.type.endswith("Aborted")

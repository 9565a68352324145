"""An execution of a state machine as the states that it visited, from GetExecutionHistory.

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

_OPENS_INNER = frozenset({"MapIterationStarted", "ParallelStateStarted"})
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
    """One visit of a state. `depth` is 0 outside of any Map or Parallel; `id` is its entering event's."""

    id: int
    name: str
    depth: int
    entered: datetime
    left: datetime | None = None
    status: VisitStatus = VisitStatus.RUNNING
    error: str | None = None
    cause: str | None = None

    def duration(self, now: datetime) -> timedelta:
        return (self.left or now) - self.entered


def execution_with_history(external_execution_id: str | None) -> ExecutionArn | None:
    """The ARN that the id is, if it is that of a Standard execution: only those have a history."""
    arn = ExecutionArn.parse(external_execution_id or "")
    return None if arn is None or arn.is_express else arn


class ExecutionHistory:
    """The events of one execution; every `update` reads only what is new."""

    def __init__(self, stepfunctions: SFNClient, execution: ExecutionArn) -> None:
        self._stepfunctions = stepfunctions
        self._execution = execution
        self._events: list[HistoryEvent] = []

    def update(self) -> tuple[StateVisit, ...]:
        """Read the new events, and return all visits so far."""
        known = self._events[-1].id if self._events else 0
        new = sorted(self._newer_than(known), key=lambda event: event.id)
        self._events.extend(new)
        return visits(self._events)

    @property
    def failure(self) -> Failure | None:
        """Why the execution failed; None while it runs, and if it succeeded."""
        if not self._events or self._events[-1].type not in _ENDS:
            return None
        end = self._events[-1]
        return failure(_ENDS[end.type], end.error, end.cause, self._events[::-1])

    def _newer_than(self, known: int) -> Iterator[HistoryEvent]:
        pages = self._stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=str(self._execution),
            reverseOrder=True,
            includeExecutionData=False,
            PaginationConfig={"PageSize": HISTORY_EVENTS},
        )
        for page in pages:
            for item in page["events"]:
                if item["id"] <= known:
                    return
                yield parse_event(item)


def visits(events: Sequence[HistoryEvent]) -> tuple[StateVisit, ...]:
    """The states visited, in the order in which they were entered. `events` in the order of their ids."""
    return _Visits(events).all()


class _Visits:
    """Works through the events once, oldest first.

    For each event it knows the visit that the event happened in (0 between two states) and the
    Map or Parallel around that (0 outside of any).
    """

    def __init__(self, events: Iterable[HistoryEvent]) -> None:
        self._visits: dict[int, StateVisit] = {}  # by the entering event's id
        self._around: dict[int, int] = {}  # visit -> the Map or Parallel around it
        self._containers: set[int] = set()  # visits that are a Map or Parallel
        self._visit_at: dict[int, int] = {}  # event -> visit
        self._scope_at: dict[int, int] = {}  # event -> Map or Parallel
        self._failed_containers: set[int] = set()  # events by which a Map or Parallel failed
        for event in events:
            self._add(event)

    def all(self) -> tuple[StateVisit, ...]:
        return tuple(self._visits.values())

    def _add(self, event: HistoryEvent) -> None:
        if event.is_entered:
            self._enter(event)
        elif event.is_exited:
            self._leave(event)
        elif event.type in _ENDS:
            self._end(event)
        elif event.type.startswith(("Map", "Parallel")):
            self._happen_to_container(event)
        else:
            self._happen(event, self._visit_at.get(event.previous_id, 0))

    def _enter(self, event: HistoryEvent) -> None:
        left_behind = self._visit_at.get(event.previous_id, 0)
        scope = self._scope_at.get(event.previous_id, 0)
        if left_behind and self._visits[left_behind].left is None:  # only after a Catch, if at all
            self._change(left_behind, left=event.time, status=VisitStatus.CAUGHT)
        depth = self._visits[scope].depth + 1 if scope else 0
        self._visits[event.id] = StateVisit(event.id, event.name or "?", depth, event.time)
        self._around[event.id] = scope
        self._visit_at[event.id], self._scope_at[event.id] = event.id, scope
        if event.type.startswith(("Map", "Parallel")):
            self._containers.add(event.id)

    def _leave(self, event: HistoryEvent) -> None:
        visit_id = self._position(event)
        while visit_id and self._visits[visit_id].name != event.name:
            visit_id = self._around[visit_id]
        self._visit_at[event.id], self._scope_at[event.id] = 0, self._around.get(visit_id, 0)
        if visit_id:
            caught = self._visits[visit_id].error is not None
            status = VisitStatus.CAUGHT if caught else VisitStatus.SUCCEEDED
            self._change(visit_id, left=event.time, status=status)

    def _end(self, event: HistoryEvent) -> None:
        status = _VISIT_ENDS[_ENDS[event.type]]
        for visit_id, visit in self._visits.items():
            if visit.left is None:
                error, cause = visit.error or event.error, visit.cause or event.cause
                self._change(visit_id, left=event.time, status=status, error=error, cause=cause)

    def _happen_to_container(self, event: HistoryEvent) -> None:
        visit_id = self._position(event)
        if event.previous_id in self._failed_containers:  # a Map within a Map: it is about the outer one
            visit_id = self._around.get(visit_id, 0)
        while visit_id and visit_id not in self._containers:
            visit_id = self._around[visit_id]
        self._happen(event, visit_id)
        if event.type in _OPENS_INNER:
            self._visit_at[event.id], self._scope_at[event.id] = 0, visit_id
        elif _fails(event) and "State" in event.type:
            self._failed_containers.add(event.id)

    def _happen(self, event: HistoryEvent, visit_id: int) -> None:
        self._visit_at[event.id] = visit_id
        self._scope_at[event.id] = self._scope_at.get(event.previous_id, 0)
        if not visit_id:
            return
        self._scope_at[event.id] = self._around[visit_id]
        if _fails(event):
            error = event.error or self._visits[visit_id].error or event.type
            self._change(visit_id, error=error, cause=event.cause)
        elif event.type.endswith("Succeeded"):  # a retry helped
            self._change(visit_id, error=None, cause=None)

    def _position(self, event: HistoryEvent) -> int:
        """The visit that the event before happened in, else the Map or Parallel around it."""
        return self._visit_at.get(event.previous_id, 0) or self._scope_at.get(event.previous_id, 0)

    def _change(self, visit_id: int, **changes: Any) -> None:
        self._visits[visit_id] = replace(self._visits[visit_id], **changes)


def _fails(event: HistoryEvent) -> bool:
    return event.is_failure or event.type.endswith("Aborted")

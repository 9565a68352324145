"""A state machine's execution as the states that it visited, from GetExecutionHistory.

Facts about the events: each but the first names the event that led to it
(`previousEventId`, 0 for none); a state that is left by a Catch is exited too; a Fail
state is never exited; within a Map or Parallel the first event of an iteration or branch
leads back to `MapIterationStarted` or `ParallelStateStarted`.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from stepline.aws.statuses import VisitStatus

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_STANDARD_EXECUTION = re.compile(r"arn:aws[a-z-]*:states:([a-z0-9-]+):\d{12}:execution:[^:]+:[^:]+")
_MAX_PAGE = 1000  # events, the API's limit

_OPENS_INNER = frozenset({"MapIterationStarted", "ParallelStateStarted"})
_FAILURES = ("Failed", "TimedOut", "Aborted")
_ENDS = {
    "ExecutionFailed": VisitStatus.FAILED,
    "ExecutionTimedOut": VisitStatus.TIMED_OUT,
    "ExecutionAborted": VisitStatus.ABORTED,
}


@dataclass(frozen=True)
class Event:
    """One event, reduced to what is needed here. `state_name` is set for entering and leaving."""

    id: int
    previous_id: int
    type: str
    time: datetime
    state_name: str | None = None
    error: str | None = None
    cause: str | None = None

    @property
    def enters(self) -> bool:
        return self.type.endswith("StateEntered")

    @property
    def leaves(self) -> bool:
        return self.type.endswith("StateExited")

    @property
    def fails(self) -> bool:
        return self.type.endswith(_FAILURES) or self.type == "LambdaFunctionStartFailed"


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


@dataclass(frozen=True)
class Failure:
    """Why an execution ended badly: the state that failed, its error, its cause."""

    state: str | None
    error: str
    cause: str


def execution_region(external_execution_id: str | None) -> str | None:
    """The region if that id is the ARN of a Standard execution (only those have a history), else None."""
    match = _STANDARD_EXECUTION.fullmatch(external_execution_id or "")
    return match[1] if match else None


class History:
    """The events of one execution; every `update` reads only what is new."""

    def __init__(self, stepfunctions: SFNClient, execution_arn: str) -> None:
        self._stepfunctions = stepfunctions
        self._execution_arn = execution_arn
        self._events: list[Event] = []

    def update(self) -> tuple[StateVisit, ...]:
        """Read the new events, and return all visits so far."""
        known = self._events[-1].id if self._events else 0
        new = sorted(self._newer_than(known), key=lambda event: event.id)
        self._events.extend(new)
        return visits(self._events)

    @property
    def failure(self) -> Failure | None:
        return failure(self._events)

    def _newer_than(self, known: int) -> Iterator[Event]:
        pages = self._stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=self._execution_arn,
            reverseOrder=True,
            includeExecutionData=False,
            PaginationConfig={"PageSize": _MAX_PAGE},
        )
        for page in pages:
            for document in page["events"]:
                if document["id"] <= known:
                    return
                yield parse_event(document)


def parse_event(document: Mapping[str, Any]) -> Event:
    """One event of GetExecutionHistory's answer; its details are under a key named after its type."""
    details: Mapping[str, Any] = next(
        (value for key, value in document.items() if key.endswith("EventDetails") and value), {}
    )
    kind = document["type"]
    is_state = kind.endswith(("StateEntered", "StateExited"))
    return Event(
        id=document["id"],
        previous_id=document.get("previousEventId", 0),
        type=kind,
        time=document["timestamp"],
        state_name=details.get("name") if is_state else None,
        error=details.get("error"),
        cause=details.get("cause"),
    )


def visits(events: Sequence[Event]) -> tuple[StateVisit, ...]:
    """The states visited, in the order in which they were entered. `events` in the order of their ids."""
    return _Visits(events).all()


def failure(events: Sequence[Event]) -> Failure | None:
    """Why the execution failed; None while it runs, and if it succeeded."""
    if not events or events[-1].type not in _ENDS:
        return None
    end = events[-1]
    error = end.error or end.type.removeprefix("Execution")
    return Failure(_failed_state(events, error), error, readable_cause(end.cause))


def _failed_state(events: Sequence[Event], error: str) -> str | None:
    """The state that the execution ended in; if that is a Fail state, the one whose error it passes on."""
    newest_first = visits(events)[::-1]
    last = next((visit for visit in newest_first if visit.status in _ENDS.values()), None)
    if last is None:
        return None
    fail_states = {event.id for event in events if event.type == "FailStateEntered"}
    if last.id in fail_states:
        is_origin = (visit for visit in newest_first if visit.status is VisitStatus.CAUGHT)
        last = next((visit for visit in is_origin if visit.error == error), last)
    return last.name


def readable_cause(cause: str | None) -> str:
    """The cause, reduced to its `errorMessage` when it is the JSON with which Lambda reports an error."""
    try:
        document = json.loads(cause or "")
    except ValueError:
        return cause or ""
    message = document.get("errorMessage") if isinstance(document, dict) else None
    return str(message) if message else cause or ""


class _Visits:
    """Works through the events once, oldest first.

    For each event it knows the visit that the event happened in (0 between two states) and the
    Map or Parallel around that (0 outside of any).
    """

    def __init__(self, events: Iterable[Event]) -> None:
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

    def _add(self, event: Event) -> None:
        if event.enters:
            self._enter(event)
        elif event.leaves:
            self._leave(event)
        elif event.type in _ENDS:
            self._end(event)
        elif event.type.startswith(("Map", "Parallel")):
            self._happen_to_container(event)
        else:
            self._happen(event, self._visit_at.get(event.previous_id, 0))

    def _enter(self, event: Event) -> None:
        left_behind = self._visit_at.get(event.previous_id, 0)
        scope = self._scope_at.get(event.previous_id, 0)
        if left_behind and self._visits[left_behind].left is None:  # only after a Catch, if at all
            self._change(left_behind, left=event.time, status=VisitStatus.CAUGHT)
        depth = self._visits[scope].depth + 1 if scope else 0
        self._visits[event.id] = StateVisit(event.id, event.state_name or "?", depth, event.time)
        self._around[event.id] = scope
        self._visit_at[event.id], self._scope_at[event.id] = event.id, scope
        if event.type.startswith(("Map", "Parallel")):
            self._containers.add(event.id)

    def _leave(self, event: Event) -> None:
        visit_id = self._position(event)
        while visit_id and self._visits[visit_id].name != event.state_name:
            visit_id = self._around[visit_id]
        self._visit_at[event.id], self._scope_at[event.id] = 0, self._around.get(visit_id, 0)
        if visit_id:
            caught = self._visits[visit_id].error is not None
            status = VisitStatus.CAUGHT if caught else VisitStatus.SUCCEEDED
            self._change(visit_id, left=event.time, status=status)

    def _end(self, event: Event) -> None:
        for visit_id, visit in self._visits.items():
            if visit.left is None:
                error, cause = visit.error or event.error, visit.cause or event.cause
                self._change(visit_id, left=event.time, status=_ENDS[event.type], error=error, cause=cause)

    def _happen_to_container(self, event: Event) -> None:
        visit_id = self._position(event)
        if event.previous_id in self._failed_containers:  # a Map within a Map: it is about the outer one
            visit_id = self._around.get(visit_id, 0)
        while visit_id and visit_id not in self._containers:
            visit_id = self._around[visit_id]
        self._happen(event, visit_id)
        if event.type in _OPENS_INNER:
            self._visit_at[event.id], self._scope_at[event.id] = 0, visit_id
        elif event.fails and "State" in event.type:
            self._failed_containers.add(event.id)

    def _happen(self, event: Event, visit_id: int) -> None:
        self._visit_at[event.id] = visit_id
        self._scope_at[event.id] = self._scope_at.get(event.previous_id, 0)
        if not visit_id:
            return
        self._scope_at[event.id] = self._around[visit_id]
        if event.fails:
            error = event.error or self._visits[visit_id].error or event.type
            self._change(visit_id, error=error, cause=event.cause)
        elif event.type.endswith("Succeeded"):  # a retry helped
            self._change(visit_id, error=None, cause=None)

    def _position(self, event: Event) -> int:
        """The visit that the event before happened in, else the Map or Parallel around it."""
        return self._visit_at.get(event.previous_id, 0) or self._scope_at.get(event.previous_id, 0)

    def _change(self, visit_id: int, **changes: Any) -> None:
        self._visits[visit_id] = replace(self._visits[visit_id], **changes)

"""Finds the states that an execution of a state machine visited in the events of its history.

Within a Map or Parallel the first event of an iteration or branch leads back to `MapIterationStarted` or
`ParallelStateStarted`. `stepline.core.executions.history` has the other facts about events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from stepline.aws.statuses import VisitStatus
from stepline.core import strict_json
from stepline.core.executions.describe import Status
from stepline.core.executions.history import HistoryEvent

EXECUTION_ENDS: Mapping[str, Status] = {
    "ExecutionSucceeded": Status.SUCCEEDED,
    "ExecutionFailed": Status.FAILED,
    "ExecutionTimedOut": Status.TIMED_OUT,
    "ExecutionAborted": Status.ABORTED,
}
_STARTS_INNER_STATES = frozenset({"MapIterationStarted", "ParallelStateStarted"})
_STARTS_CONTAINER = frozenset({"MapStateStarted", "ParallelStateStarted"})
_VISIT_ENDS = {
    Status.SUCCEEDED: VisitStatus.SUCCEEDED,
    Status.FAILED: VisitStatus.FAILED,
    Status.TIMED_OUT: VisitStatus.TIMED_OUT,
    Status.ABORTED: VisitStatus.ABORTED,
}
_ENDS_WITHOUT_ERROR = frozenset({"MapIterationFailed", "MapStateFailed", "ParallelStateFailed"})
"""Events that stand for an error which no other event has either: that of a Fail state inside."""

_ITERATION = "MapIteration"
_STARTS_EXECUTION = ":startExecution"  # with any pattern, also of `aws-sdk:sfn`


@dataclass(frozen=True)
class IterationCounts:
    """The items of a Map state by their status; `failed` has those that timed out, too."""

    total: int
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    aborted: int = 0

    @property
    def pending(self) -> int:
        return max(0, self.total - self.running - self.succeeded - self.failed - self.aborted)

    def __add__(self, other: IterationCounts) -> IterationCounts:
        return IterationCounts(
            self.total + other.total,
            self.running + other.running,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.aborted + other.aborted,
        )


@dataclass(frozen=True)
class StateVisit:
    """One visit of a state; `id` is that of its entered event, `depth` is 0 outside a Map or Parallel.

    `container` is the visit of the Map or Parallel around it, `iteration` the index of a Map's item, and
    `previous` the visit that led to this one (0 for the first of the machine, a branch or an iteration).
    `attempts` counts how often a task, Map or Parallel was started. `resource` is what a task calls, as in
    `HistoryEvent`; `child` the ARN of the execution that it started; `map_run` that of a distributed Map.
    """

    id: int
    name: str
    depth: int
    entered: datetime
    exited: datetime | None = None
    status: VisitStatus = VisitStatus.RUNNING
    error: str | None = None
    cause: str | None = None
    type: str = ""
    container: int = 0
    iteration: int | None = None
    previous: int = 0
    attempts: int = 0
    resource: str | None = None
    child: str | None = None
    map_run: str | None = None
    iterations: IterationCounts | None = None

    def duration(self, now: datetime) -> timedelta:
        return (self.exited or now) - self.entered

    @property
    def retries(self) -> int:
        return max(0, self.attempts - 1)

    @property
    def starts_execution(self) -> bool:
        return _STARTS_EXECUTION in (self.resource or "")


def list_visits(events: Sequence[HistoryEvent]) -> tuple[StateVisit, ...]:
    """Return the visited states, in the order in which they were entered. `events` are oldest first."""
    collector = VisitCollector()
    collector.add(events)
    return collector.visits()


def child_arn(text: str | None) -> str | None:
    """Return the ARN of the execution that a task has started, from its output or from a cause."""
    try:
        document = strict_json.loads(text) if text and text.lstrip().startswith("{") else None
    except ValueError:
        return None
    arn = document.get("ExecutionArn") if isinstance(document, dict) else None
    return arn if isinstance(arn, str) else None


class _Place(NamedTuple):
    """Where an event happened: `visit` is 0 between two states, `container` is 0 outside a Map or Parallel.

    `left` is the visit that the event ended.
    """

    visit: int = 0
    container: int = 0
    iteration: int | None = None
    left: int = 0


_NOWHERE = _Place()


class VisitCollector:
    """Collects visits from events, oldest first. The time is linear in the number of events."""

    def __init__(self) -> None:
        self._visits: dict[int, StateVisit] = {}  # by the id of the entered event
        self._places: dict[int, _Place] = {}  # by the id of the event
        self._open: dict[int, dict[int, None]] = {}  # container (0: the machine) -> open visits in it
        self._containers: set[int] = set()  # visits that are a Map or Parallel
        self._failed_containers: set[int] = set()  # events by which a Map or Parallel failed
        self._submitted: dict[int, int] = {}  # visit -> the event with the ARN of the execution it started

    def add(self, events: Iterable[HistoryEvent]) -> None:
        for event in events:
            self._add(event)

    def visits(self) -> tuple[StateVisit, ...]:
        return tuple(self._visits.values())

    @property
    def submitted(self) -> Mapping[int, int]:
        """The event whose output has the ARN of the execution that a visit started, by visit."""
        return self._submitted

    def visit_of(self, event_id: int) -> StateVisit | None:
        """Return the visit to which an event belongs, None if it is between states."""
        place = self._places.get(event_id, _NOWHERE)
        return self._visits.get(place.visit or place.left)

    def _add(self, event: HistoryEvent) -> None:
        if event.is_entered:
            self._enter(event)
        elif event.is_exited:
            self._exit(event)
        elif event.type in EXECUTION_ENDS:
            self._end(event)
        elif event.type.startswith(("Map", "Parallel")):
            self._record_in_container(event)
        else:
            self._record(event, self._place_before(event).visit)

    def _enter(self, event: HistoryEvent) -> None:
        before = self._place_before(event)
        previous = before.left
        if before.visit and self._visits[before.visit].exited is None:  # happens only after a Catch
            previous = before.visit
            self._close(previous, event.time, VisitStatus.CAUGHT)
        kind = event.type.removesuffix("StateEntered")
        self._visits[event.id] = StateVisit(
            id=event.id,
            name=event.name or "?",
            depth=self._visits[before.container].depth + 1 if before.container else 0,
            entered=event.time,
            type=kind,
            container=before.container,
            iteration=before.iteration,
            previous=previous,
        )
        self._places[event.id] = _Place(event.id, before.container, before.iteration)
        self._open.setdefault(before.container, {})[event.id] = None
        if kind in {"Map", "Parallel"}:
            self._containers.add(event.id)

    def _exit(self, event: HistoryEvent) -> None:
        before = self._place_before(event)
        visit_id = before.visit or before.container
        while visit_id and self._visits[visit_id].name != event.name:
            visit_id = self._visits[visit_id].container
        if not visit_id:
            self._places[event.id] = _NOWHERE
            return
        visit = self._visits[visit_id]
        self._places[event.id] = _Place(0, visit.container, visit.iteration, visit_id)
        self._close(visit_id, event.time, VisitStatus.CAUGHT if visit.error else VisitStatus.SUCCEEDED)

    def _close(self, visit_id: int, time: datetime, status: VisitStatus, **changes: Any) -> None:
        self._set_end(visit_id, time, status, **changes)
        self._open.get(self._visits[visit_id].container, {}).pop(visit_id, None)
        self._close_inner(visit_id, time)

    def _close_inner(self, container: int, time: datetime) -> None:
        """Close what a Map or Parallel has left open: other branches, and states without an exited event."""
        waiting = [container]
        while waiting:
            for visit_id in self._open.pop(waiting.pop(), {}):
                visit = self._visits[visit_id]
                failed = visit.error is not None or visit.type == "Fail"
                status = VisitStatus.FAILED if failed else VisitStatus.ABORTED
                self._set_end(visit_id, time, status)
                waiting.append(visit_id)

    def _set_end(self, visit_id: int, time: datetime, status: VisitStatus, **changes: Any) -> None:
        counts = self._visits[visit_id].iterations
        if counts is not None and counts.running:
            counts = replace(counts, running=0, aborted=counts.aborted + counts.running)
        self._change(visit_id, exited=time, status=status, iterations=counts, **changes)

    def _end(self, event: HistoryEvent) -> None:
        status = _VISIT_ENDS[EXECUTION_ENDS[event.type]]
        open_visits = [visit_id for inner in self._open.values() for visit_id in inner]
        self._open.clear()
        for visit_id in open_visits:
            visit = self._visits[visit_id]
            if visit.error is None or visit.error in _ENDS_WITHOUT_ERROR:
                self._change(visit_id, error=event.error, cause=event.cause)
            self._set_end(visit_id, event.time, status)
        # A redrive may continue in the state that failed, without another entered event.
        self._places[event.id] = _Place(self._place_before(event).visit)

    def _record_in_container(self, event: HistoryEvent) -> None:
        before = self._place_before(event)
        visit_id = before.visit or before.container
        is_retry = event.type in _STARTS_CONTAINER
        if event.previous_id in self._failed_containers and not is_retry:
            # A Map within a Map: the event is the outer one's.
            visit_id = self._container_of(visit_id)
        while visit_id and visit_id not in self._containers:
            visit_id = self._visits[visit_id].container
        self._record(event, visit_id)
        if event.type in _STARTS_INNER_STATES:
            self._places[event.id] = _Place(0, visit_id, event.iteration)
        elif _fails(event) and "State" in event.type:
            self._failed_containers.add(event.id)
        if visit_id:
            self._count(event, visit_id)

    def _count(self, event: HistoryEvent, visit_id: int) -> None:
        """Count the iterations of a Map, and close what a failed attempt of a container has left open."""
        counts = self._visits[visit_id].iterations
        if "State" in event.type and (_fails(event) or event.type in _STARTS_CONTAINER):
            self._close_inner(visit_id, event.time)
        if event.type == "MapStateStarted":
            self._change(visit_id, iterations=IterationCounts(event.length or 0))
        elif event.type.startswith(_ITERATION) and counts is not None:
            self._change(visit_id, iterations=_counted(counts, event.type.removeprefix(_ITERATION)))
        elif event.map_run:
            self._change(visit_id, map_run=event.map_run)

    def _record(self, event: HistoryEvent, visit_id: int) -> None:
        if not visit_id:
            before = self._place_before(event)
            self._places[event.id] = _Place(0, before.container, before.iteration)
            return
        visit = self._visits[visit_id]
        self._places[event.id] = _Place(visit_id, visit.container, visit.iteration)
        if event.type.endswith("Scheduled") or event.type in _STARTS_CONTAINER:
            self._reopen(visit_id)
            self._change(visit_id, attempts=visit.attempts + 1, resource=event.resource)
        elif event.type.endswith("StateAborted"):
            self._close(visit_id, event.time, VisitStatus.ABORTED, error=visit.error or event.type)
        elif _fails(event):
            self._fail(event, visit)
        elif event.type.endswith("Succeeded") and not event.type.startswith(_ITERATION):
            if visit.error is not None:  # a retry succeeded
                self._change(visit_id, error=None, cause=None)
            if visit.starts_execution:
                self._submitted.setdefault(visit_id, event.id)
        elif event.type == "TaskSubmitted" and visit.starts_execution:
            self._submitted[visit_id] = event.id

    def _fail(self, event: HistoryEvent, visit: StateVisit) -> None:
        inner = self._visits.get(self._place_before(event).visit, visit)
        if event.error:
            error, cause = event.error, event.cause
        elif inner.error:  # events of a Map or Parallel name no error
            error, cause = inner.error, inner.cause
        else:
            error, cause = visit.error or event.type, visit.cause or event.cause
        self._change(visit.id, error=error, cause=cause)
        if visit.starts_execution and (child := child_arn(event.cause)):
            self._change(visit.id, child=child)

    def _reopen(self, visit_id: int) -> None:
        """Open a visit, and those around it, that a redrive continues."""
        while visit_id and self._visits[visit_id].exited is not None:
            self._change(visit_id, exited=None, status=VisitStatus.RUNNING, error=None, cause=None)
            container = self._visits[visit_id].container
            self._open.setdefault(container, {})[visit_id] = None
            visit_id = container

    def _place_before(self, event: HistoryEvent) -> _Place:
        return self._places.get(event.previous_id, _NOWHERE)

    def _container_of(self, visit_id: int) -> int:
        return self._visits[visit_id].container if visit_id else 0

    def _change(self, visit_id: int, **changes: Any) -> None:
        self._visits[visit_id] = replace(self._visits[visit_id], **changes)


def _counted(counts: IterationCounts, what: str) -> IterationCounts:
    """Return the counts after an iteration was `Started`, or has `Succeeded`, `Failed` or been `Aborted`."""
    if what == "Started":
        return replace(counts, running=counts.running + 1)
    name = what.lower()
    return replace(counts, **{name: getattr(counts, name) + 1, "running": counts.running - 1})


def _fails(event: HistoryEvent) -> bool:
    return event.is_failure or event.type.endswith("Aborted")

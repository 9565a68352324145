"""Summarizes the visits of an execution for each state of its graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stepline.aws.state_visits import IterationCounts, StateVisit
from stepline.aws.statuses import VisitStatus
from stepline.aws.workflow_graph import WorkflowGraph

# The status of a state that was visited several times at once: the first of these that a visit has.
_PRECEDENCE = (
    VisitStatus.RUNNING,
    VisitStatus.FAILED,
    VisitStatus.TIMED_OUT,
    VisitStatus.ABORTED,
    VisitStatus.CAUGHT,
    VisitStatus.SUCCEEDED,
)


@dataclass(frozen=True)
class StateSummary:
    """The visits of a state. Its status is that of the latest one: of several in a Map, the worst.

    `iterations` are those of the latest visit of a Map; of a Map within a Map, of all its latest visits.
    `finished` is the duration of all visits that have ended; `running_since` has the begin of the others.
    """

    status: VisitStatus
    visits: int
    retries: int
    first_entered: datetime
    last_exited: datetime | None
    finished: timedelta
    running_since: tuple[datetime, ...] = ()
    iterations: IterationCounts | None = None

    def duration(self, now: datetime) -> timedelta:
        """Return the duration of all visits together, which may be longer than the execution in a Map."""
        return sum((now - begin for begin in self.running_since), self.finished)


class NodeIds:
    """Finds the id in the graph of each visit; without a graph it is the state's name."""

    def __init__(self, graph: WorkflowGraph | None) -> None:
        self._ids: dict[tuple[str | None, str], str] = {}  # by container and name
        for node in graph.nodes if graph else ():
            self._ids.setdefault((node.parent, node.name), node.id)

    def of(self, visits: Iterable[StateVisit]) -> dict[int, str]:
        """Return node ids by the ids of visits; `visits` are in the order in which they were entered."""
        found: dict[int, str] = {}
        for visit in visits:
            found[visit.id] = self._ids.get((found.get(visit.container), visit.name), visit.name)
        return found


def summarize(visits: Sequence[StateVisit], node_ids: Mapping[int, str]) -> dict[str, StateSummary]:
    """Return the summaries by node id; `node_ids` are by visit. States that were not visited have none."""
    by_node: dict[str, list[StateVisit]] = {}
    for visit in visits:
        by_node.setdefault(node_ids[visit.id], []).append(visit)
    current = _current_visits(visits)
    return {node_id: _summary(found, current) for node_id, found in by_node.items()}


def taken_edges(visits: Iterable[StateVisit], node_ids: Mapping[int, str]) -> frozenset[tuple[str, str]]:
    """Return the transitions, by node ids, that the execution has passed."""
    return frozenset(
        (node_ids[visit.previous], node_ids[visit.id]) for visit in visits if visit.previous in node_ids
    )


def _current_visits(visits: Sequence[StateVisit]) -> set[int]:
    """Return the visits that are the latest of their state in their iteration, as is the Map or Parallel.

    In a loop, those of earlier rounds are not; nor are the iterations of a Map that was visited again.
    """
    latest = {(visit.container, visit.iteration, visit.name): visit.id for visit in visits}
    current: set[int] = set()
    for visit in visits:  # a container comes before what it contains
        is_latest = latest[visit.container, visit.iteration, visit.name] == visit.id
        if is_latest and (not visit.container or visit.container in current):
            current.add(visit.id)
    return current


def _summary(visits: Sequence[StateVisit], current: set[int]) -> StateSummary:
    latest = [visit for visit in visits if visit.id in current] or visits[-1:]
    counts = [visit.iterations for visit in latest if visit.iterations is not None]
    exits = [visit.exited for visit in visits if visit.exited is not None]
    ended = [visit.exited - visit.entered for visit in visits if visit.exited is not None]
    return StateSummary(
        status=min((visit.status for visit in latest), key=_PRECEDENCE.index),
        visits=len(visits),
        retries=sum(visit.retries for visit in visits),
        first_entered=visits[0].entered,
        last_exited=max(exits, default=None),
        finished=sum(ended, timedelta()),
        running_since=tuple(visit.entered for visit in visits if visit.exited is None),
        iterations=sum(counts[1:], counts[0]) if counts else None,
    )

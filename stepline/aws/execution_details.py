"""Reads one execution of a state machine: what it is, its states, and the way it took through its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from stepline.aws.event_data import read_event_data
from stepline.aws.execution_events import EventPage, show_events
from stepline.aws.execution_history import ExecutionHistory
from stepline.aws.redaction import redact_optional
from stepline.aws.state_data import StateData, load_state_data
from stepline.aws.state_summaries import NodeIds, StateSummary, summarize, taken_edges
from stepline.aws.state_visits import IterationCounts, StateVisit, child_arn
from stepline.aws.workflow_graph import WorkflowGraph, parse_workflow
from stepline.core.aws_errors import FailureKind, classify, error_code
from stepline.core.errors import InvalidInputError, UsageError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Status
from stepline.core.executions.failure import Failure
from stepline.core.limits import HISTORY_EVENTS

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_MAX_DATA_EVENTS: Final = 3 * HISTORY_EVENTS
"""The newest events among which the ARNs of started executions are looked for [ours]: they are in outputs,
which take long to read. `read_state_data` finds those of older events."""

_MAX_MAP_RUNS: Final = 20
"""Distributed Maps of one execution, the latest, whose counts are read [ours]: a call for each."""


@dataclass(frozen=True)
class ExecutionDetails:
    """An execution at one moment, without secrets.

    `input` and `output` are JSON text. `machine_arn` may have a version or alias. `ended`, `output`, `error`,
    `cause` and `failure` are None while it runs. `graph` is None if the definition may not be read; then the
    keys of `states` are names of states instead of ids of nodes. `states` has no state that was not visited;
    `taken` has the transitions that were passed, by ids of nodes. `events` counts the events.
    """

    arn: ExecutionArn
    machine_arn: str
    status: Status
    started: datetime
    ended: datetime | None
    redrive_count: int
    input: str | None
    output: str | None
    error: str | None
    cause: str | None
    failure: Failure | None
    graph: WorkflowGraph | None
    visits: tuple[StateVisit, ...]
    states: Mapping[str, StateSummary]
    taken: frozenset[tuple[str, str]]
    events: int

    @property
    def name(self) -> str:
        return self.arn.name

    @property
    def machine(self) -> str:
        """The name of the state machine."""
        return self.arn.machine


class ExecutionDetailsReader:
    """Reads one Standard execution repeatedly; of the history only new events.

    A running execution takes one GetExecutionHistory a time. One more reads outputs if a task has started an
    execution since, and a DescribeMapRun follows for each distributed Map that runs. An execution that has
    ended takes no call. DescribeStateMachineForExecution is called once, DescribeExecution at first and when
    the execution ends or is redriven.

    All methods raise botocore's errors. Only one thread may use it at a time.
    """

    def __init__(self, stepfunctions: SFNClient, execution_arn: str) -> None:
        """Raise UsageError if it is not the ARN of a Standard execution."""
        self._client = stepfunctions
        self._arn = _standard_execution(execution_arn)
        self._history = ExecutionHistory(stepfunctions, self._arn)
        self._description: Mapping[str, Any] = {}
        self._described_redrives = 0
        self._redrives = 0
        self._graph: WorkflowGraph | None = None
        self._node_ids: NodeIds | None = None
        self._children: dict[int, str | None] = {}  # event -> the ARN in its output
        self._map_runs: dict[str, tuple[datetime | None, IterationCounts | None]] = {}  # end of the visit
        self._details: ExecutionDetails | None = None

    def read(self, *, look_for_redrive: bool = False) -> ExecutionDetails:
        """Return the execution as it is now.

        With `look_for_redrive`, an execution that has ended is described once more. Raises UsageError if it
        does not exist.
        """
        try:
            changed = self._update(look_for_redrive=look_for_redrive)
        except ClientError as error:
            if error_code(error) != "ExecutionDoesNotExist":
                raise
            raise UsageError(f"the execution {self._arn} does not exist (any more)") from error
        self._read_graph()
        if self._details is None or changed or any(_runs_map(visit) for visit in self._details.visits):
            self._details = self._build()
        return self._details

    def read_events(self, *, offset: int = 0, limit: int = 100, newest_first: bool = False) -> EventPage:
        """Return some of the events that `read` has read, without a call."""
        events, visits = self._history.events, self._history.visits
        return show_events(events, visits, offset=offset, limit=limit, newest_first=newest_first)

    def read_state_data(self, visit_id: int) -> StateData:
        """Return the data of a visit that `read` has returned. Raises UsageError if there is no such one."""
        visit = self._history.visits.visit_of(visit_id)
        if visit is None or visit.id != visit_id:
            raise UsageError(f"the execution {self._arn.name} has no state with the event {visit_id}")
        return load_state_data(self._client, self._arn, visit, self._history.events, self._history.visits)

    def _update(self, *, look_for_redrive: bool) -> bool:
        """Read what is new; return whether there was anything."""
        was_described = False
        if self._history.end is not None and look_for_redrive:
            self._describe()
            was_described = True
        new = self._history.read_new() if self._may_have_new_events() else ()
        self._redrives += sum(event.type == "ExecutionRedriven" for event in new)
        if self._must_describe() and not (was_described and not new):
            self._describe()
            was_described = True
        return bool(new) or was_described

    def _may_have_new_events(self) -> bool:
        is_redriven = self._description.get("redriveCount", 0) > self._redrives
        return self._history.end is None or is_redriven

    def _must_describe(self) -> bool:
        """Whether what was described is older than the history, or the history older than the description."""
        has_ended = self._description.get("status") != Status.RUNNING
        is_consistent = has_ended == (self._history.end is not None)
        return not self._description or not is_consistent or self._described_redrives < self._redrives

    def _describe(self) -> None:
        self._description = self._client.describe_execution(executionArn=str(self._arn))
        self._described_redrives = self._redrives

    def _read_graph(self) -> None:
        if self._node_ids is not None:
            return
        try:
            machine = self._client.describe_state_machine_for_execution(executionArn=str(self._arn))
            self._graph = parse_workflow(machine["definition"])
        except ClientError as error:
            if classify(error) is FailureKind.TRANSIENT:
                raise
        except InvalidInputError:
            pass  # encrypted with a key that may not be used
        self._node_ids = NodeIds(self._graph)

    def _build(self) -> ExecutionDetails:
        assert self._node_ids is not None
        visits = self._with_map_runs(self._with_children(self._history.visits.visits()))
        node_ids = self._node_ids.of(visits)
        return ExecutionDetails(
            arn=self._arn,
            machine_arn=self._description["stateMachineArn"],
            **self._end(),
            started=self._description["startDate"],
            redrive_count=max(self._description.get("redriveCount", 0), self._redrives),
            input=redact_optional(self._description.get("input")),
            failure=self._history.failure,
            graph=self._graph,
            visits=visits,
            states=summarize(visits, node_ids),
            taken=taken_edges(visits, node_ids),
            events=len(self._history.events),
        )

    def _end(self) -> dict[str, Any]:
        """Return the status, and how the execution ended if it did, from the history if that is newer."""
        description = self._description
        is_old = description.get("redriveCount", 0) < self._redrives
        status = self._history.end or (Status.RUNNING if is_old else Status(description["status"]))
        if status.is_open:
            return {"status": status, "ended": None, "output": None, "error": None, "cause": None}
        last = self._history.events[-1] if self._history.end else None
        return {
            "status": status,
            "ended": description.get("stopDate") or (last.time if last else None),
            "output": redact_optional(description.get("output")),
            "error": redact_optional(description.get("error")) or (last.error if last else None),
            "cause": redact_optional(description.get("cause")) or (last.cause if last else None),
        }

    def _with_children(self, visits: Sequence[StateVisit]) -> tuple[StateVisit, ...]:
        """Add the ARNs of the executions that tasks have started."""
        submitted = self._history.visits.submitted
        self._read_children([event_id for event_id in submitted.values() if event_id not in self._children])
        return tuple(
            replace(visit, child=self._children.get(submitted[visit.id]))
            if visit.child is None and visit.id in submitted
            else visit
            for visit in visits
        )

    def _read_children(self, event_ids: Sequence[int]) -> None:
        newest_id = self._history.events[-1].id if self._history.events else 0
        near = [event_id for event_id in event_ids if event_id > newest_id - _MAX_DATA_EVENTS]
        found = read_event_data(self._client, self._arn, near, newest_id) if near else {}
        for event_id in event_ids:
            details = found.get(event_id, {})
            self._children[event_id] = child_arn(details.get("output"))

    def _with_map_runs(self, visits: Sequence[StateVisit]) -> tuple[StateVisit, ...]:
        """Add the counts of distributed Maps, of which the history has none."""
        latest = [visit for visit in visits if visit.map_run][-_MAX_MAP_RUNS:]
        counts = {visit.id: self._counts(visit) for visit in latest}
        return tuple(
            replace(visit, iterations=counts[visit.id] or visit.iterations) if visit.id in counts else visit
            for visit in visits
        )

    def _counts(self, visit: StateVisit) -> IterationCounts | None:
        arn = visit.map_run or ""
        known = self._map_runs.get(arn)
        if known is None or known[0] is None or known[0] != visit.exited:
            self._map_runs[arn] = known = (visit.exited, self._describe_map_run(arn))
        return known[1]

    def _describe_map_run(self, arn: str) -> IterationCounts | None:
        try:
            counts = self._client.describe_map_run(mapRunArn=arn)["itemCounts"]
        except ClientError as error:
            if classify(error) is FailureKind.TRANSIENT:
                raise
            return None
        return IterationCounts(
            total=counts["total"],
            running=counts["running"],
            succeeded=counts["succeeded"],
            failed=counts["failed"] + counts["timedOut"],
            aborted=counts["aborted"],
        )


def _standard_execution(text: str) -> ExecutionArn:
    arn = ExecutionArn.parse(text)
    if arn is None:
        raise UsageError(f"{text!r} is not the ARN of an execution of a state machine")
    if arn.is_express:
        raise UsageError(
            f"{arn.name} is an Express execution, of which AWS keeps no history:"
            " its events are in the log of the state machine, if it has one"
        )
    return arn


def _runs_map(visit: StateVisit) -> bool:
    return visit.map_run is not None and visit.exited is None

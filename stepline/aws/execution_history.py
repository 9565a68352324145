"""Reads the history of an execution of a state machine, with GetExecutionHistory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from stepline.aws.redaction import redact_optional
from stepline.aws.state_visits import EXECUTION_ENDS, StateVisit, VisitCollector
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Status
from stepline.core.executions.failure import Failure, failure
from stepline.core.executions.history import HistoryEvent, parse_event
from stepline.core.limits import HISTORY_EVENTS

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def parse_standard_execution(external_execution_id: str | None) -> ExecutionArn | None:
    """Return the ARN of a Standard execution, or None for any other id: only those have a history."""
    arn = ExecutionArn.parse(external_execution_id or "")
    return None if arn is None or arn.is_express else arn


class ExecutionHistory:
    """The history of one execution; each `update` reads only new events.

    Secrets in errors and causes are hidden. The history has no inputs and outputs.
    """

    def __init__(self, stepfunctions: SFNClient, execution: ExecutionArn) -> None:
        self._stepfunctions = stepfunctions
        self._execution = execution
        self._events: list[HistoryEvent] = []
        self._collector = VisitCollector()

    def update(self) -> tuple[StateVisit, ...]:
        """Read new events and return all visits so far. Raises botocore's errors."""
        self.read_new()
        return self._collector.visits()

    def read_new(self) -> Sequence[HistoryEvent]:
        """Read and return new events, oldest first. Raises botocore's errors."""
        last_id = self._events[-1].id if self._events else 0
        events = sorted(self._read_newer_than(last_id), key=lambda event: event.id)
        self._events.extend(events)
        self._collector.add(events)
        return events

    @property
    def events(self) -> Sequence[HistoryEvent]:
        """All events so far, oldest first."""
        return self._events

    @property
    def visits(self) -> VisitCollector:
        return self._collector

    @property
    def end(self) -> Status | None:
        """How the execution has ended, None if it has not, or if it was redriven."""
        return EXECUTION_ENDS.get(self._events[-1].type) if self._events else None

    @property
    def failure(self) -> Failure | None:
        """Why the execution failed; None if it is running or has succeeded."""
        if self.end in {None, Status.SUCCEEDED}:
            return None
        last = self._events[-1]
        return failure(EXECUTION_ENDS[last.type], last.error, last.cause, self._events[::-1])

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
                event = parse_event(item)
                yield event._replace(error=redact_optional(event.error), cause=redact_optional(event.cause))
                if event.id == last_id + 1:  # another page would have none that is new
                    return

"""Shares the readers of executions among pages, so that a history is read once for all pages that show it."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any, Final

from stepline.aws.execution_details import ExecutionDetails, ExecutionDetailsReader
from stepline.aws.execution_events import EventPage
from stepline.aws.state_data import StateData
from stepline.aws.target import Target
from stepline.core.executions.arns import ExecutionArn

_MAX_READERS: Final = 16
"""Executions whose events are kept [ours]: 25,000 events have about 50 MB."""


class SharedReader:
    """An ExecutionDetailsReader for several threads."""

    def __init__(self, stepfunctions: Any, arn: str) -> None:
        self._reader = ExecutionDetailsReader(stepfunctions, arn)
        self._lock = Lock()

    def read(self) -> ExecutionDetails:
        """Read what is new; an execution that has ended is described once more, as it may be redriven."""
        with self._lock:
            return self._reader.read(look_for_redrive=True)

    def read_events(self, offset: int, limit: int) -> EventPage:
        with self._lock:
            return self._reader.read_events(offset=offset, limit=limit)

    def read_state_data(self, visit_id: int) -> StateData:
        with self._lock:
            return self._reader.read_state_data(visit_id)


class Executions:
    """The readers that were used last, by the ARN of the execution."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._readers: OrderedDict[str, SharedReader] = OrderedDict()
        self._lock = Lock()

    def reader(self, arn: ExecutionArn) -> SharedReader:
        """Return the reader of that execution. Raises UsageError if it is an Express execution."""
        key = str(arn)
        with self._lock:
            reader = self._readers.pop(key, None) or SharedReader(
                self._target.client("stepfunctions", arn.region), key
            )
            self._readers[key] = reader
            if len(self._readers) > _MAX_READERS:
                self._readers.popitem(last=False)
            return reader

"""The runs of distributed Map states: their child executions, tolerated failures and counts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from stepline.localaws.protocol import Params

_COUNTED: Final = ("running", "succeeded", "failed", "timedOut", "aborted")


@dataclass
class ChildExecution:
    """A child execution. `details` is what DescribeExecution would return, with the names of result files."""

    arn: str
    name: str
    item_count: int
    start_date: datetime
    status: str = "RUNNING"
    stop_date: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class MapRun:
    """One run. Safe to use from several threads. `machine_arn` is that of the child executions.

    `item_counts` has the number of items of each child execution that will start.
    """

    arn: str
    execution_arn: str
    machine_arn: str
    start_date: datetime
    item_counts: list[int]
    max_concurrency: int
    tolerated_count: int
    tolerated_percentage: float
    status: str = "RUNNING"
    stop_date: datetime | None = None
    children: list[ChildExecution] = field(default_factory=list)
    results_written: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start_child(self, child: ChildExecution) -> None:
        with self._lock:
            self.children.append(child)

    def close_child(self, child: ChildExecution, status: str, stop_date: datetime) -> bool:
        """Record the end of a child execution. Return whether too many have failed."""
        with self._lock:
            child.status, child.stop_date = status, stop_date
            return self._is_exceeded()

    def close(self, status: str, stop_date: datetime) -> None:
        """Close the run, unless it is closed: SUCCEEDED, FAILED or ABORTED."""
        with self._lock:
            if self.status == "RUNNING":
                self.status, self.stop_date = status, stop_date
                for child in self.children:
                    if child.status == "RUNNING":
                        child.status, child.stop_date = "ABORTED", stop_date

    def update(self, params: Params) -> None:
        """Change the limits of the run [UpdateMapRun]; the concurrency of children that run stays."""
        with self._lock:
            self.max_concurrency = params.get("maxConcurrency", self.max_concurrency)
            self.tolerated_count = params.get("toleratedFailureCount", self.tolerated_count)
            percentage = params.get("toleratedFailurePercentage", self.tolerated_percentage)
            self.tolerated_percentage = percentage

    def _is_exceeded(self) -> bool:
        failures = sum(child.status not in {"RUNNING", "SUCCEEDED"} for child in self.children)
        if not self.tolerated_count and not self.tolerated_percentage:
            return failures > 0
        count = self.tolerated_count and failures > self.tolerated_count
        percentage = self.tolerated_percentage
        return bool(count or (percentage and 100 * failures > percentage * len(self.item_counts)))

    def description(self) -> Params:
        """Return the response of DescribeMapRun."""
        with self._lock:
            children = Counter(_member(child.status) for child in self.children)
            items: Counter[str] = Counter()
            for child in self.children:
                items[_member(child.status)] += child.item_count
        return {
            **self._identity(),
            "status": self.status,
            "maxConcurrency": self.max_concurrency,
            "toleratedFailureCount": self.tolerated_count,
            "toleratedFailurePercentage": self.tolerated_percentage,
            "itemCounts": self._counts(items, sum(self.item_counts)),
            "executionCounts": self._counts(children, len(self.item_counts)),
            "redriveCount": 0,
        }

    def item(self) -> Params:
        """Return an item of ListMapRuns."""
        return {**self._identity(), "stateMachineArn": self.machine_arn}

    def _identity(self) -> Params:
        return {
            "mapRunArn": self.arn,
            "executionArn": self.execution_arn,
            "startDate": self.start_date,
            "stopDate": self.stop_date,
        }

    def child_items(self) -> list[Params]:
        """Return the child executions as items of ListExecutions, the latest first."""
        return [
            {
                "executionArn": child.arn,
                "stateMachineArn": self.machine_arn,
                "name": child.name,
                "status": child.status,
                "startDate": child.start_date,
                "stopDate": child.stop_date,
                "mapRunArn": self.arn,
                "itemCount": child.item_count,
            }
            for child in reversed(self.children)
        ]

    def _counts(self, found: Mapping[str, int], total: int) -> Params:
        counts = {name: found.get(name, 0) for name in _COUNTED}
        return {
            "pending": total - sum(counts.values()),
            **counts,
            "total": total,
            "resultsWritten": self.results_written,
            "failuresNotRedrivable": 0,
            "pendingRedrive": 0,
        }


def _member(status: str) -> str:
    return "timedOut" if status == "TIMED_OUT" else status.lower()

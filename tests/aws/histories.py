"""Makes the events of histories for tests, in the shape of GetExecutionHistory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stepline.core.executions.history import HistoryEvent, parse_event

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class History:
    """A history to which events are added; each refers to the one before it unless `after` is given."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def add(self, kind: str, after: int | None = None, **details: Any) -> int:
        """Add an event, a second after the last one, and return its id."""
        number = len(self.items) + 1
        previous = number - 1 if after is None else after
        time = BEGIN + timedelta(seconds=number)
        item: dict[str, Any] = {"id": number, "previousEventId": previous, "type": kind, "timestamp": time}
        if details:
            item["someEventDetails"] = details
        self.items.append(item)
        return number

    def task(self, name: str, after: int | None = None) -> int:
        """Add the five events of a task that succeeds, and return the id of the last."""
        self.add("TaskStateEntered", after, name=name, input="{}")
        self.add("LambdaFunctionScheduled", resource=f"arn:aws:lambda:us-east-1:000000000000:function:{name}")
        self.add("LambdaFunctionStarted")
        self.add("LambdaFunctionSucceeded", output="{}")
        return self.add("TaskStateExited", name=name, output="{}")

    @property
    def events(self) -> list[HistoryEvent]:
        return [parse_event(item) for item in self.items]


class HistoryClient:
    """Answers GetExecutionHistory page by page; `pages` counts the calls."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items = items
        self.pages = 0

    def get_paginator(self, operation: str) -> HistoryClient:
        assert operation == "get_execution_history"
        return self

    def paginate(
        self, *, reverseOrder: bool, includeExecutionData: bool, PaginationConfig: Any, **_rest: Any
    ) -> Any:
        assert includeExecutionData
        size = PaginationConfig["PageSize"]
        assert 1 <= size <= 1000
        items = self.items[::-1] if reverseOrder else self.items
        for begin in range(0, len(items), size):
            self.pages += 1
            yield {"events": items[begin : begin + size]}

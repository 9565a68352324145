"""Reads chosen events of a history with their inputs and outputs, in as few pages as possible.

GetExecutionHistory reads from either end, and event ids count from 1: an event near the end of a long history
is on one of the first pages from there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stepline.core.executions.arns import ExecutionArn
from stepline.core.limits import HISTORY_EVENTS

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EventDetails = Mapping[str, Any]
"""The details of an event, whose members depend on its type. They may contain secrets."""


def read_event_data(
    client: SFNClient, execution: ExecutionArn, ids: Collection[int], newest_id: int
) -> dict[int, EventDetails]:
    """Return the details of events by their ids, without those that AWS does not list (yet).

    `newest_id` is the id of the newest event that is known. Raises botocore's errors.
    """
    first, last = plan(sorted(ids), newest_id)
    found: dict[int, EventDetails] = {}
    for wanted, is_reverse in ((first, False), (last, True)):
        if wanted:
            found.update(_read(client, execution, wanted, newest_id, is_reverse=is_reverse))
    return found


def plan(ids: Sequence[int], newest_id: int) -> tuple[Sequence[int], Sequence[int]]:
    """Return which of the sorted ids to read from the begin, and which from the end."""

    def cost(split: int) -> tuple[int, int]:
        from_begin = ids[split - 1] if split else 0
        from_end = newest_id - ids[split] + 1 if split < len(ids) else 0
        pages = -(-from_begin // HISTORY_EVENTS) - (-from_end // HISTORY_EVENTS)
        return pages, from_begin + from_end

    best = min(range(len(ids) + 1), key=cost)
    return ids[:best], ids[best:]


def _read(
    client: SFNClient, execution: ExecutionArn, ids: Sequence[int], newest_id: int, *, is_reverse: bool
) -> Iterator[tuple[int, EventDetails]]:
    events = newest_id - ids[0] + 1 if is_reverse else ids[-1]
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=str(execution),
        reverseOrder=is_reverse,
        includeExecutionData=True,
        PaginationConfig={"PageSize": min(events, HISTORY_EVENTS)},
    )
    missing = set(ids)
    for page in pages:
        for item in page["events"]:
            if item["id"] in missing:
                missing.remove(item["id"])
                yield item["id"], _details(item)
        if not missing:
            return


def _details(item: Mapping[str, Any]) -> EventDetails:
    return next((value for key, value in item.items() if key.endswith("EventDetails")), {})

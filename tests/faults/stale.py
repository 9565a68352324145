"""Older answers of Step Functions: its reads are eventually consistent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.fakes.versions import Versions, View
from tests.faults.functions import Call
from tests.faults.network import Reply
from tests.faults.wire import error_reply

_STATUSES = {
    "ExecutionStarted": "RUNNING",
    "ExecutionRedriven": "RUNNING",
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
_OF_THE_END = ("stopDate", "output", "outputDetails", "error", "cause")


def older(reply: Reply, call: Call, executions: Iterable[Any], view: View, now: datetime) -> Reply:
    """Return an older reply to DescribeExecution or GetExecutionHistory than `reply`."""
    if reply.status != 200:
        return reply
    arn = call.parameters["executionArn"]
    execution = next((item for item in executions if item.arn == arn), None)
    if execution is None:
        return reply
    versions = _versions(execution)
    status = versions.seen(view, now)
    if status is None:
        return error_reply(call.operation, 400, "ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    document = json.loads(reply.body)
    if call.operation.name == "GetExecutionHistory":
        document["events"] = _older_events(document["events"], view, now)
    elif status == "RUNNING":
        document = {name: value for name, value in document.items() if name not in _OF_THE_END}
        document["status"] = status
    return Reply(reply.status, json.dumps(document).encode(), reply.headers)


def _versions(execution: Any) -> Versions[str]:
    versions: Versions[str] = Versions()
    for event in execution.events():
        if status := _STATUSES.get(event["type"]):
            versions.add(event["timestamp"], status)
    return versions


def _older_events(events: list[Any], view: View, now: datetime) -> list[Any]:
    """Return the first event, and those before the latest change or a minute ago."""
    versions: Versions[float] = Versions()
    for moment in sorted({event["timestamp"] for event in events}):
        versions.add(datetime.fromtimestamp(moment, now.tzinfo), moment)
    latest = versions.seen(view, now) or 0
    return [event for event in events if event["timestamp"] <= latest or event["id"] == 1]

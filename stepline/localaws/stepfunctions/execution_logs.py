"""Delivers the events of executions to CloudWatch Logs [guide, "Logging using CloudWatch Logs"]."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from stepline.localaws.context import Context
from stepline.localaws.log_streams import Line, group_in_calls
from stepline.localaws.stepfunctions import errors
from stepline.localaws.stepfunctions.interpreter import TaskClients
from stepline.localaws.stepfunctions.models import Event, Execution
from stepline.localaws.stepfunctions.settings import LOG_DELIVERY_SECONDS, MAX_EVENT_DATA_BYTES
from stepline.localaws.stepfunctions.validation import log_group_name

_log = logging.getLogger(__name__)

NO_LOG_GROUP: Final = "Log Destination not found."
"""[recorded]"""

_FATAL: Final = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"})
_ERROR_ENDINGS: Final = ("Aborted", "Failed", "TimedOut")
_DATA: Final = frozenset({"input", "inputDetails", "output", "outputDetails", "parameters"})
"""What `includeExecutionData` false leaves out; recorded for all but `parameters`, which is data, too."""

_MAX_STREAMS: Final = 100
"""Names of the newest streams that are kept."""


def is_logged(event_type: str, level: str) -> bool:
    """Return whether a log of that level has the events of a type [guide, "Log levels"]."""
    if level == "ALL":
        return True
    if level == "ERROR":
        return event_type.endswith(_ERROR_ENDINGS) or event_type == "FailStateEntered"
    return level == "FATAL" and event_type in _FATAL


def check_destination(client: Any, configuration: Mapping[str, Any]) -> None:
    """Raise InvalidLoggingConfiguration if the log group does not exist."""
    if (name := log_group_name(configuration)) is None:
        return
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    if not any(group["logGroupName"] == name for page in pages for group in page["logGroups"]):
        raise errors.InvalidLoggingConfiguration(NO_LOG_GROUP)


@dataclass(frozen=True)
class _Entry:
    execution: Execution
    event: Event
    redrive_count: int


class LogDelivery:
    """Delivers events shortly after they are recorded, at best effort as on AWS."""

    def __init__(self, context: Context, task_clients: TaskClients) -> None:
        self._clock = context.clock
        self._task_clients = task_clients
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Entry]] = {}  # by machine, in the order of the first event
        self._streams: dict[tuple[str, str], str] = {}

    def follow(self, execution: Execution) -> None:
        """Log the events of an execution from now on, if its machine has a log."""
        configuration = execution.machine.logging_configuration
        level = configuration.get("level", "OFF")
        if level != "OFF" and configuration.get("destinations"):
            execution.listeners.append(partial(self._add, execution, level))

    def _add(self, execution: Execution, level: str, event: Event) -> None:
        if not is_logged(event["type"], level):
            return
        with self._lock:
            is_first = not self._waiting
            entry = _Entry(execution, event, execution.redrive_count)
            self._waiting.setdefault(execution.machine.arn, []).append(entry)
        if is_first:
            self._clock.call_later(LOG_DELIVERY_SECONDS, self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for entries in waiting.values():
            try:
                self._put(entries)
            except (BotoCoreError, ClientError, errors.InvalidLoggingConfiguration):
                _log.info("cannot deliver the log of %s", entries[0].execution.machine.arn, exc_info=True)

    def _put(self, entries: list[_Entry]) -> None:
        machine = entries[-1].execution.machine
        group = log_group_name(machine.logging_configuration)
        client = self._task_clients("logs")
        stream = self._stream(client, str(group), machine.name, entries[0].event["timestamp"])
        includes_data = bool(machine.logging_configuration.get("includeExecutionData"))
        lines = [Line(_milliseconds(entry.event), _message(entry, includes_data)) for entry in entries]
        for call in group_in_calls(lines):
            events = [{"timestamp": line.time_ms, "message": line.text} for line in call]
            client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def _stream(self, client: Any, group: str, machine_name: str, moment: datetime) -> str:
        """Return a stream, one for each machine and minute: `states/machine/2026-01-31-12-00/0a1b2c3d`."""
        prefix = f"states/{machine_name}/{moment:%Y-%m-%d-%H-%M}"
        if (stream := self._streams.get((group, prefix))) is None:
            stream = f"{prefix}/{uuid.uuid4().hex[:8]}"
            client.create_log_stream(logGroupName=group, logStreamName=stream)
            self._streams = {(group, prefix): stream, **dict(list(self._streams.items())[:_MAX_STREAMS])}
        return stream


def _message(entry: _Entry, includes_data: bool) -> str:
    """Return the text of a log event; ids, counts and times are texts in it [recorded]."""
    event = entry.event
    details: Mapping[str, Any] = next((value for value in event.values() if isinstance(value, Mapping)), {})
    shown = _fitting(details) if includes_data else _without_data(details)
    message = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": shown,
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(_milliseconds(event)),
        "execution_arn": entry.execution.arn,
        "redrive_count": str(entry.redrive_count),
    }
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def _without_data(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if name not in _DATA}


def _fitting(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return details with input and output cut to 248 KB with escapes [guide, "CloudWatch Logs payloads"]."""
    shown = dict(details)
    for name in ("input", "output"):
        text = shown.get(name)
        if isinstance(text, str) and (cut := _cut(text)) != text:
            shown |= {name: cut, f"{name}Details": {"truncated": True}}
    return shown


def _cut(text: str) -> str:
    while (excess := len(json.dumps(text, ensure_ascii=False).encode()) - MAX_EVENT_DATA_BYTES) > 0:
        text = text[: -max(1, excess // 4)]
    return text


def _milliseconds(event: Event) -> int:
    return int(event["timestamp"].timestamp() * 1000)

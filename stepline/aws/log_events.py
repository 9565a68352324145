"""Reads log events from CloudWatch Logs, and parses structured messages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

# Keys of a structured message that add nothing in the log of one function.
_IGNORED_KEYS = frozenset(
    {
        "cold_start",
        "function_arn",
        "function_memory_size",
        "function_name",
        "level",
        "location",
        "message",
        "sampling_rate",
        "service",
        "timestamp",
        "xray_trace_id",
    }
)
_EXECUTION_EVENT_KEYS = frozenset({"details", "execution_arn", "type"})
_OVERLAP_MS = 10_000  # events arrive out of order: read a little again, and skip known events

_MAX_STREAMS = 100
"""Log streams in one FilterLogEvents request [model]."""


@dataclass(frozen=True)
class LogEvent:
    id: str
    time: datetime
    message: str


@dataclass(frozen=True)
class ParsedMessage:
    """A message and its fields; `level` is empty for plain text."""

    level: str
    message: str
    fields: Mapping[str, str]


def function_log_group(function_name: str) -> str:
    return f"/aws/lambda/{function_name}"


class LogReader:
    """Reads a log group from `since` on; each `read_new` yields the events that it has not yielded before.

    `streams` returns the streams to read, of which there may be more each time; None reads all streams whose
    name begins with `stream_prefix`.
    """

    def __init__(
        self,
        logs: CloudWatchLogsClient,
        group: str,
        since: datetime,
        streams: Callable[[], Sequence[str]] | None = None,
        stream_prefix: str = "",
    ) -> None:
        self._logs = logs
        self._group = group
        self._streams = streams
        self._stream_prefix = stream_prefix
        self._start_ms = int(since.timestamp() * 1000)
        self._recent: dict[str, int] = {}  # event id -> time in ms, for events that are read again

    def read_new(self) -> Iterator[LogEvent]:
        """Yield new events in the order of their times; none if the group does not exist yet."""
        request: dict[str, Any] = {"logGroupName": self._group, "startTime": self._start_ms}
        if self._stream_prefix:
            request["logStreamNamePrefix"] = self._stream_prefix
        if self._streams is not None:
            request["logStreamNames"] = list(self._streams())[-_MAX_STREAMS:]
            if not request["logStreamNames"]:
                return
        pages = self._logs.get_paginator("filter_log_events").paginate(**request)
        seen: Counter[str] = Counter()
        try:
            for page in pages:
                for event in page["events"]:
                    event_id = event_id_of(event, seen)
                    if self._remember(event_id, event["timestamp"]):
                        time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                        yield LogEvent(event_id, time, event["message"].rstrip("\n"))
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
        self._forget_old()

    def _remember(self, event_id: str, time_ms: int) -> bool:
        is_new = event_id not in self._recent
        self._recent[event_id] = time_ms
        return is_new

    def _forget_old(self) -> None:
        newest = max(self._recent.values(), default=self._start_ms)
        self._start_ms = max(self._start_ms, newest - _OVERLAP_MS)
        self._recent = {key: time for key, time in self._recent.items() if time >= self._start_ms}


def parse_message(message: str) -> ParsedMessage:
    """Parse a structured message (JSON with `level` and `message`, as Powertools writes it) or plain text."""
    try:
        document = json.loads(message) if message.startswith("{") else None
    except ValueError:
        document = None
    if isinstance(document, dict) and document.keys() >= _EXECUTION_EVENT_KEYS:
        return _execution_event(document)
    if not isinstance(document, dict) or "message" not in document:
        return ParsedMessage("", message, {})
    fields = {key: _text(value) for key, value in document.items() if key not in _IGNORED_KEYS}
    return ParsedMessage(str(document.get("level", "")), _text(document["message"]), fields)


def _execution_event(document: Mapping[str, Any]) -> ParsedMessage:
    """Parse an event of a state machine's log [Step Functions guide, "Logging using CloudWatch Logs"]."""
    details = document["details"]
    name = details.get("name", "") if isinstance(details, dict) else ""
    kind = str(document["type"])
    level = "ERROR" if kind.endswith(("Aborted", "Failed", "TimedOut")) else "INFO"
    shown = {key: _text(details[key]) for key in ("error", "cause", "input", "output") if key in details}
    return ParsedMessage(
        level,
        f"{kind} {name}".rstrip(),
        {"execution": str(document["execution_arn"]).rpartition(":")[2], **shown},
    )


def event_id_of(event: Mapping[str, Any], seen: Counter[str]) -> str:
    """Return the id of an event, which is optional in the model, or else one made from its content.

    `seen` counts events of the same content within one response.
    """
    if event_id := event.get("eventId"):
        return str(event_id)
    content = f"{event.get('logStreamName')} {event['timestamp']} {event['message']}"
    seen[content] += 1
    return f"{seen[content]} {content}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

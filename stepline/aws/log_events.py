"""What functions and jobs logged: CloudWatch Logs. A function's group is `/aws/lambda/<function name>`."""

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

# Keys of a structured line that say nothing new to someone who looks at one function's log.
_KNOWN_KEYS = frozenset(
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
_OVERLAP_MS = 10_000  # events of one moment arrive in any order: look back a little, and skip what is known


_MAX_STREAMS = 100
"""Log streams that one FilterLogEvents may name [model]."""


@dataclass(frozen=True)
class LogEvent:
    id: str
    time: datetime
    message: str


@dataclass(frozen=True)
class LogLine:
    """A message taken apart: `level` is empty for plain text."""

    level: str
    message: str
    fields: Mapping[str, str]


def group_name(function_name: str) -> str:
    return f"/aws/lambda/{function_name}"


class LogReader:
    """Reads a log group from a moment on; each `new` yields what was not there before.

    `streams` restricts it to some of the group's streams, which may become more.
    """

    def __init__(
        self,
        logs: CloudWatchLogsClient,
        group: str,
        since: datetime,
        streams: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self._logs = logs
        self._group = group
        self._streams = streams
        self._start_ms = int(since.timestamp() * 1000)
        self._recent: dict[str, int] = {}  # event id -> its time in ms, as far back as is asked again

    def new(self) -> Iterator[LogEvent]:
        """Events in the order of their times. A group that does not exist yet has none."""
        where: dict[str, Any] = {"logGroupName": self._group, "startTime": self._start_ms}
        if self._streams is not None:
            where["logStreamNames"] = list(self._streams())[-_MAX_STREAMS:]
            if not where["logStreamNames"]:
                return
        pages = self._logs.get_paginator("filter_log_events").paginate(**where)
        seen: Counter[str] = Counter()
        try:
            for page in pages:
                for event in page["events"]:
                    event_id = _event_id(event, seen)
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


def parse_line(message: str) -> LogLine:
    """A structured line (JSON with a level and a message, as Powertools writes it) or plain text."""
    try:
        document = json.loads(message) if message.startswith("{") else None
    except ValueError:
        document = None
    if not isinstance(document, dict) or "message" not in document:
        return LogLine("", message, {})
    fields = {key: _text(value) for key, value in document.items() if key not in _KNOWN_KEYS}
    return LogLine(str(document.get("level", "")), _text(document["message"]), fields)


def _event_id(event: Mapping[str, Any], seen: Counter[str]) -> str:
    """The event's own id, which is optional in the model; else one by which it is found again.

    `seen` counts, within one answer, the events that nothing else tells apart.
    """
    if event_id := event.get("eventId"):
        return str(event_id)
    content = f"{event.get('logStreamName')} {event['timestamp']} {event['message']}"
    seen[content] += 1
    return f"{seen[content]} {content}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

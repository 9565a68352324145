"""Reads what a Lambda function has logged while a state was visited.

An environment runs one invocation at a time and has a log stream of its own. So an invocation's lines are
those between its START and REPORT lines in one stream [Lambda guide, "Log formats"; in JSON `platform.start`
and `platform.report`].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from stepline.aws.log_events import LogEvent, event_id_of, function_log_group
from stepline.aws.redaction import redact_text
from stepline.aws.target import Target
from stepline.core.aws_errors import FailureKind, classify

_EARLIER: Final = timedelta(seconds=1)
_LATER: Final = timedelta(seconds=5)
"""Clocks differ, and the REPORT line follows the answer [ours]."""

_MAX_PAGES: Final = 10
"""Of FilterLogEvents, each with up to 10,000 events or 1 MB [ours]."""

_STARTS = ("START RequestId: {}", '"platform.start"')
_ENDS = ("REPORT RequestId: {}", '"platform.report"')


@dataclass(frozen=True)
class LogLines:
    """Lines of a function's log, without secrets, oldest first.

    `reason` says in a sentence why there are none, if they could not be read. `is_cut` is set if there are
    more. `is_exact` is set if these are the lines of the invocations; otherwise they are of all invocations
    in that time.
    """

    group: str
    lines: tuple[LogEvent, ...] = ()
    reason: str | None = None
    is_cut: bool = False
    is_exact: bool = False


def read_log_lines(
    target: Target,
    function: str,
    begin: datetime,
    end: datetime | None,
    *,
    request_ids: Collection[str] = (),
    limit: int = 500,
) -> LogLines:
    """Return what the function has logged from `begin` to `end`, by default now; at most `limit` lines.

    With `request_ids`, only the lines of these invocations, if the log has them. Raises botocore's errors,
    but not if the log group does not exist or may not be read.
    """
    group = function_log_group(function)
    end = end or datetime.now(UTC)
    try:
        events, is_cut = _read(
            target, group, begin - _EARLIER, end + _LATER, limit if not request_ids else None
        )
    except ClientError as error:
        if reason := _reason(error, group):
            return LogLines(group, reason=reason)
        raise
    own = list(_of_invocations(events, request_ids)) if request_ids else []
    shown = own or events
    seen: Counter[str] = Counter()
    lines = tuple(_line(event, event_id_of(event, seen)) for event in shown[:limit])
    return LogLines(group, lines, is_cut=is_cut or len(shown) > limit, is_exact=bool(own))


def _read(
    target: Target, group: str, begin: datetime, end: datetime, limit: int | None
) -> tuple[Sequence[dict[str, Any]], bool]:
    """Return the events of the time, and whether there are more; if `limit` is given, it is enough."""
    found: list[dict[str, Any]] = []
    pages = (
        target.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=group, startTime=_milliseconds(begin), endTime=_milliseconds(end))
    )
    for number, page in enumerate(pages, start=1):
        found.extend(page["events"])
        if number == _MAX_PAGES or (limit is not None and len(found) >= limit):
            return _sorted(found), bool(page.get("nextToken"))
    return _sorted(found), False


def _sorted(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(events, key=lambda event: event["timestamp"])  # stable: the order in a stream stays


def _of_invocations(
    events: Iterable[dict[str, Any]], request_ids: Collection[str]
) -> Iterator[dict[str, Any]]:
    current: dict[str, str] = {}  # stream -> request id
    for event in events:
        stream, message = str(event.get("logStreamName")), event["message"]
        started = next((each for each in request_ids if _marks(message, _STARTS, each)), None)
        if started:
            current[stream] = started
        elif _begins(message):
            current.pop(stream, None)  # another invocation, if the REPORT line is missing
        if stream in current:
            yield event
            if _marks(message, _ENDS, current[stream]):
                del current[stream]


def _marks(message: str, marks: tuple[str, str], request_id: str) -> bool:
    plain, structured = marks
    return message.startswith(plain.format(request_id)) or (structured in message and request_id in message)


def _begins(message: str) -> bool:
    return message.startswith("START RequestId: ") or '"platform.start"' in message


def _line(event: dict[str, Any], event_id: str) -> LogEvent:
    time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return LogEvent(redact_text(event_id), time, redact_text(event["message"].rstrip("\n")))


def _reason(error: ClientError, group: str) -> str | None:
    kind = classify(error)
    if kind is FailureKind.MISSING:
        return (
            f"The log group {group} does not exist: the function has not logged anything, or logs elsewhere."
        )
    if kind is FailureKind.PERMISSION:
        return f"The log group {group} may not be read: allow logs:FilterLogEvents."
    return None


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)

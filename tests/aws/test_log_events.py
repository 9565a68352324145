"""New events of a log group, and structured messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stepline.aws.log_events import LogReader, parse_message
from tests.aws.fakes import LOG_GROUP, Answers, Logs


def test_requests_start_at_the_newest_event() -> None:
    logs = Logs()
    begin = datetime.now(UTC) - timedelta(hours=1)
    reader = LogReader(logs.client, LOG_GROUP, begin)
    logs.add("one", seconds_ago=1)
    assert [event.message for event in reader.read_new()] == ["one"]
    assert list(reader.read_new()) == []
    assert logs.calls[0] == int(begin.timestamp() * 1000)
    assert logs.calls[1] == logs.events[0]["timestamp"] - 10_000


def test_events_without_an_id_are_read_once() -> None:
    event = {"logStreamName": "s", "timestamp": 1_767_225_600_000, "message": "again"}
    answer = {"events": [dict(event), dict(event)]}
    logs: Any = Answers({"filter_log_events": answer})
    reader = LogReader(logs, "g", datetime(2026, 1, 1, tzinfo=UTC))
    assert [event.message for event in reader.read_new()] == ["again", "again"]
    answer["events"].append(dict(event))
    assert [event.message for event in reader.read_new()] == ["again"]


def test_structured_message_is_parsed() -> None:
    parsed = parse_message('{"level": "ERROR", "message": "no", "job_id": "1", "count": 2, "service": "x"}')
    assert (parsed.level, parsed.message, dict(parsed.fields)) == (
        "ERROR",
        "no",
        {"job_id": "1", "count": "2"},
    )
    for text in ("plain", "{broken", "[1]", '{"no": "text"}'):
        assert parse_message(text).message == text

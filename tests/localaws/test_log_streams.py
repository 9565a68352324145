"""A program's output becomes log events that CloudWatch Logs accepts."""

from __future__ import annotations

import pytest

from stepline.localaws import log_streams
from stepline.localaws.log_streams import MAX_LOG_EVENT_BYTES, Line, LineLog


@pytest.fixture
def calls() -> list[list[Line]]:
    return []


@pytest.fixture
def log(calls: list[list[Line]]) -> LineLog:
    return LineLog(calls.append, now=lambda: 1.5)


def texts(calls: list[list[Line]]) -> list[str]:
    return [line.text for call in calls for line in call]


def test_lines_are_put_once_they_are_complete(log: LineLog, calls: list[list[Line]]) -> None:
    log.write(b"one\ntw")
    log.flush()
    assert calls == [[Line(1500, "one")]]
    log.write("o\nümlaut".encode())
    log.close()
    assert texts(calls) == ["one", "two", "ümlaut"]


def test_character_split_over_writes_is_decoded(log: LineLog, calls: list[list[Line]]) -> None:
    for byte in "ä\n".encode():
        log.write(bytes([byte]))
    log.close()
    assert texts(calls) == ["ä"]


def test_empty_lines_are_left_out(log: LineLog, calls: list[list[Line]]) -> None:
    log.write(b"\n\r\na\r\n\n")
    log.close()
    assert texts(calls) == ["a"]


def test_no_output_makes_no_call(log: LineLog, calls: list[list[Line]]) -> None:
    log.flush()
    log.close()
    assert calls == []


def test_long_line_is_split_into_events(log: LineLog, calls: list[list[Line]]) -> None:
    line = b"x" * (2 * MAX_LOG_EVENT_BYTES + 1)
    log.write(line + b"\nend")
    log.close()
    sizes = [len(text) for text in texts(calls)]
    assert sizes == [MAX_LOG_EVENT_BYTES, MAX_LOG_EVENT_BYTES, 1, 3]


def test_line_without_newline_is_put_in_parts(log: LineLog, calls: list[list[Line]]) -> None:
    for _ in range(3):
        log.write(b"x" * MAX_LOG_EVENT_BYTES)
    log.flush()
    assert len(texts(calls)) == 3


def test_call_stays_within_the_limits_of_the_service(
    log: LineLog, calls: list[list[Line]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_streams, "MAX_LOG_CALL_EVENTS", 3)
    monkeypatch.setattr(log_streams, "MAX_LOG_CALL_BYTES", 100)
    log.write(b"a\n" * 4 + b"x" * 70 + b"\nb\n")
    log.flush()
    assert [len(call) for call in calls] == [3, 1, 1, 1]

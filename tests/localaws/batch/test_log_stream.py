"""Bytes that a program writes, as events that CloudWatch Logs takes."""

from __future__ import annotations

import pytest

from stepline.localaws.batch import log_stream
from stepline.localaws.batch.log_stream import Line, LineLog


@pytest.fixture
def calls() -> list[list[Line]]:
    return []


@pytest.fixture
def log(calls: list[list[Line]]) -> LineLog:
    return LineLog(calls.append, now=lambda: 1.5)


def texts(calls: list[list[Line]]) -> list[str]:
    return [line.text for call in calls for line in call]


def test_lines_are_handed_on_when_they_are_complete(log: LineLog, calls: list[list[Line]]) -> None:
    log.write(b"one\ntw")
    log.flush()
    assert calls == [[Line(1500, "one")]]
    log.write("o\nümlaut".encode())
    log.close()
    assert texts(calls) == ["one", "two", "ümlaut"]


def test_a_character_may_come_in_parts(log: LineLog, calls: list[list[Line]]) -> None:
    for byte in "ä\n".encode():
        log.write(bytes([byte]))
    log.close()
    assert texts(calls) == ["ä"]


def test_empty_lines_are_left_out(log: LineLog, calls: list[list[Line]]) -> None:
    log.write(b"\n\r\na\r\n\n")
    log.close()
    assert texts(calls) == ["a"]


def test_nothing_said_is_no_call(log: LineLog, calls: list[list[Line]]) -> None:
    log.flush()
    log.close()
    assert calls == []


def test_long_lines_are_several_events(log: LineLog, calls: list[list[Line]]) -> None:
    line = b"x" * (2 * log_stream.MAX_EVENT_BYTES + 1)
    log.write(line + b"\nend")
    log.close()
    sizes = [len(text) for text in texts(calls)]
    assert sizes == [log_stream.MAX_EVENT_BYTES, log_stream.MAX_EVENT_BYTES, 1, 3]


def test_a_line_without_an_end_does_not_grow_without_an_end(log: LineLog, calls: list[list[Line]]) -> None:
    for _ in range(3):
        log.write(b"x" * log_stream.MAX_EVENT_BYTES)
    log.flush()
    assert len(texts(calls)) == 3


def test_a_call_holds_what_the_service_takes(
    log: LineLog, calls: list[list[Line]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_stream, "MAX_CALL_EVENTS", 3)
    monkeypatch.setattr(log_stream, "MAX_CALL_BYTES", 100)
    log.write(b"a\n" * 4 + b"x" * 70 + b"\nb\n")
    log.flush()
    assert [len(call) for call in calls] == [3, 1, 1, 1]

"""The lines that a function has logged while a state was visited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.aws.invocation_logs import LogLines, read_log_lines
from tests.aws.executions import denied
from tests.aws.fakes import Answers, target_of
from tests.localaws.codepipeline.fakes import client_error

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(seconds=10)


class Group:
    """A log group whose pages have two events each."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.pages = 0

    def add(self, message: str, *, at: float = 1.0, stream: str = "a") -> None:
        time = int((BEGIN + timedelta(seconds=at)).timestamp() * 1000)
        self.events.append({"logStreamName": stream, "timestamp": time, "message": message + "\n"})

    def invocation(self, request_id: str, *lines: str, stream: str = "a", at: float = 1.0) -> None:
        for line in (f"START RequestId: {request_id} Version: 1", *lines, f"REPORT RequestId: {request_id}"):
            self.add(line, at=at, stream=stream)

    def get_paginator(self, operation: str) -> Any:
        assert operation == "filter_log_events"

        def paginate(**params: Any) -> Iterator[Any]:
            self.requests.append(params)
            begin, end = params["startTime"], params["endTime"]
            found = [event for event in self.events if begin <= event["timestamp"] <= end]
            for start in range(0, max(len(found), 1), 2):
                self.pages += 1
                more = {"nextToken": "t"} if start + 2 < len(found) else {}
                yield {"events": found[start : start + 2], **more}

        return SimpleNamespace(paginate=paginate)


def read(group: Any, **settings: Any) -> LogLines:
    return read_log_lines(target_of(logs=group), "f", BEGIN, END, **settings)


def messages(found: LogLines) -> list[str]:
    return [line.message for line in found.lines]


def test_lines_of_the_time_are_read_without_secrets() -> None:
    group = Group()
    group.add("too early", at=-60)
    group.add("second", at=2)
    group.add("first: password=p", at=1)
    group.add("too late", at=60)
    found = read(group)
    assert messages(found) == ["first: password=(hidden)", "second"]
    assert (found.group, found.reason, found.is_cut, found.is_exact) == ("/aws/lambda/f", None, False, False)
    assert group.requests[0]["logGroupName"] == "/aws/lambda/f"


def test_lines_of_the_invocation_are_found() -> None:
    group = Group()
    group.invocation("r0", "zero", stream="a")
    group.invocation("r1", "one", "two", stream="a")
    group.add("of another environment", stream="b")
    group.invocation("r2", "three", stream="a")
    found = read(group, request_ids=["r1", "r2"])
    assert [line for line in messages(found) if "RequestId" not in line] == ["one", "two", "three"]
    assert found.is_exact


def test_lines_of_the_invocation_in_json_are_found() -> None:
    group = Group()
    group.add('{"type":"platform.start","record":{"requestId":"r1"}}')
    group.add("one")
    group.add('{"type":"platform.start","record":{"requestId":"r2"}}')
    group.add("two")
    assert messages(read(group, request_ids=["r1"]))[1:] == ["one"]


def test_unknown_invocation_leaves_all_lines_of_the_time() -> None:
    group = Group()
    group.invocation("r0", "zero")
    found = read(group, request_ids=["r9"])
    assert "zero" in messages(found)
    assert not found.is_exact


def test_no_more_pages_than_the_limit_needs_are_read() -> None:
    group = Group()
    for number in range(100):
        group.add(f"line {number}")
    found = read(group, limit=3)
    assert (messages(found), found.is_cut, group.pages) == (["line 0", "line 1", "line 2"], True, 2)
    assert not read(group, limit=1_000).lines[20:]
    assert read(group, limit=1_000).is_cut


def test_everything_is_shown_if_the_limit_allows() -> None:
    group = Group()
    group.add("only")
    assert not read(group, limit=1).is_cut


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (client_error("ResourceNotFoundException", "FilterLogEvents"), "does not exist"),
        (denied("FilterLogEvents"), "allow logs:FilterLogEvents"),
    ],
)
def test_log_that_cannot_be_read_gives_the_reason(error: ClientError, reason: str) -> None:
    found = read(Answers({"filter_log_events": error}))
    assert found.lines == ()
    assert found.reason is not None
    assert reason in found.reason


def test_throttling_is_an_error() -> None:
    with pytest.raises(ClientError):
        read(Answers({"filter_log_events": client_error("ThrottlingException", "FilterLogEvents")}))

"""`stepline logs` and `stepline invoke`."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.functions import Function, find_function
from stepline.aws.log_events import LogReader, parse_line
from stepline.aws.polling import Polling
from stepline.aws.target import Target
from stepline.cli.commands import invoke as invoke_command
from stepline.cli.commands import logs as logs_command
from stepline.core.errors import UsageError
from tests.cli.conftest import Stepline
from tests.cli.workflow import Answers, target_of
from tests.localaws.codepipeline.fakes import client_error

FUNCTIONS = [
    Function("stepline-CreateChangeSetFunction-B2", "CreateChangeSetFunction"),
    Function("stepline-CreateStackFunction-A1", "CreateStackFunction"),
    Function("stepline-TriggerFunction-C3", "TriggerFunction"),
    Function("unrelated", None),
]
NAMES = {"Functions": [{"FunctionName": function.name} for function in FUNCTIONS]}
RESOURCES = {
    "StackResourceSummaries": [
        {
            "ResourceType": "AWS::Lambda::Function",
            "PhysicalResourceId": function.name,
            "LogicalResourceId": function.logical_id,
        }
        for function in FUNCTIONS
        if function.logical_id
    ]
}


@pytest.mark.parametrize(
    ("wanted", "logical_id"),
    [
        ("stepline-CreateStackFunction-A1", "CreateStackFunction"),
        ("CreateStackFunction", "CreateStackFunction"),
        ("arn:aws:lambda:us-east-1:000000000000:function:stepline-TriggerFunction-C3", "TriggerFunction"),
        (
            "arn:aws:lambda:us-east-1:000000000000:function:stepline-TriggerFunction-C3:live",
            "TriggerFunction",
        ),
        ("trigger", "TriggerFunction"),
        ("create-stack", "CreateStackFunction"),
        ("change_set", "CreateChangeSetFunction"),
        ("unrelated", None),
        ("relat", None),
    ],
)
def test_a_function_is_found(wanted: str, logical_id: str | None) -> None:
    assert find_function(FUNCTIONS, wanted).logical_id == logical_id


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("create", "'create' could be: CreateChangeSetFunction, CreateStackFunction"),
        ("nothing", "there is no function 'nothing'; there are: CreateChangeSetFunction,"),
        ("---", "there is no function '---'"),
    ],
)
def test_a_function_that_is_unclear(wanted: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_function(FUNCTIONS, wanted)


def test_no_function_at_all() -> None:
    with pytest.raises(UsageError, match="there are no functions: deploy"):
        find_function([], "x")


class Logs:
    """A log group; `calls` are the moments from which events were asked for."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.exists = True
        self.calls: list[int] = []

    def add(self, message: str, *, seconds_ago: float = 1.0) -> None:
        time = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        number = str(len(self.events))
        event = {"eventId": number, "timestamp": int(time.timestamp() * 1000), "message": f"{message}\n"}
        self.events.append(event)

    def filter_log_events(self, params: dict[str, Any]) -> Any:
        assert params["logGroupName"] == "/aws/lambda/stepline-TriggerFunction-C3"
        self.calls.append(params["startTime"])
        if not self.exists:
            return client_error("ResourceNotFoundException", "FilterLogEvents")
        return {"events": [event for event in self.events if event["timestamp"] >= params["startTime"]]}


@pytest.fixture
def logs(use_target: Callable[[Target], None]) -> Logs:
    logs = Logs()
    use_target(
        target_of(
            lambda_=Answers({"list_functions": NAMES}),
            cloudformation=Answers({"list_stack_resources": RESOURCES}),
            logs=Answers({"filter_log_events": logs.filter_log_events}),
        )
    )
    return logs


def test_logs_into_a_pipe_are_as_they_were_written(stepline: Stepline, logs: Logs) -> None:
    logs.add('{"level": "INFO", "message": "started"}', seconds_ago=60)
    logs.add("plain", seconds_ago=30)
    logs.add("long ago", seconds_ago=3600)
    result = stepline("logs", "trigger")
    assert (result.exit_code, result.stdout) == (0, '{"level": "INFO", "message": "started"}\nplain\n')


def test_since_looks_further_back(stepline: Stepline, logs: Logs) -> None:
    logs.add("long ago", seconds_ago=3600)
    assert (
        "has logged nothing in the last 10m; --since 1d looks further back"
        in stepline("logs", "trigger").stderr
    )
    assert stepline("logs", "trigger", "--since", "2h").stdout == "long ago\n"


def test_a_function_that_never_ran_has_logged_nothing(stepline: Stepline, logs: Logs) -> None:
    logs.exists = False
    result = stepline("logs", "trigger")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "has logged nothing" in result.stderr


def test_follow_shows_each_event_once_until_ctrl_c(
    stepline: Stepline, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo: list[Callable[[], None]] = [
        lambda: logs.add("second"),
        lambda: logs.add("a little late", seconds_ago=3),
        lambda: None,
    ]

    def sleep(_seconds: float) -> None:
        if not todo:
            raise KeyboardInterrupt
        todo.pop(0)()

    monkeypatch.setattr(logs_command, "new_polling", lambda **_settings: Polling(1.0, sleep=sleep))
    logs.add("first")
    result = stepline("logs", "trigger", "--follow")
    assert (result.exit_code, result.stdout) == (130, "first\nsecond\na little late\n")


def test_what_is_asked_for_moves_on_with_the_events() -> None:
    logs = Logs()
    begin = datetime.now(UTC) - timedelta(hours=1)
    reader = LogReader(
        Answers({"filter_log_events": logs.filter_log_events}),  # type: ignore[arg-type]
        "/aws/lambda/stepline-TriggerFunction-C3",
        begin,
    )
    logs.add("one", seconds_ago=1)
    assert [event.message for event in reader.new()] == ["one"]
    assert list(reader.new()) == []
    assert logs.calls[0] == int(begin.timestamp() * 1000)
    assert logs.calls[1] == logs.events[0]["timestamp"] - 10_000


def test_events_without_an_id_are_told_apart_and_shown_once() -> None:
    event = {"logStreamName": "s", "timestamp": 1_767_225_600_000, "message": "again"}
    answer = {"events": [dict(event), dict(event)]}
    logs = Answers({"filter_log_events": answer})
    reader = LogReader(logs, "g", datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]
    assert [shown.message for shown in reader.new()] == ["again", "again"]
    answer["events"].append(dict(event))
    assert [shown.message for shown in reader.new()] == ["again"]


def test_structured_lines_are_taken_apart() -> None:
    line = parse_line('{"level": "ERROR", "message": "no", "job_id": "1", "count": 2, "service": "x"}')
    assert (line.level, line.message, dict(line.fields)) == ("ERROR", "no", {"job_id": "1", "count": "2"})
    for text in ("plain", "{broken", "[1]", '{"no": "text"}'):
        assert parse_line(text).message == text


def test_a_wrong_name_lists_the_candidates(stepline: Stepline, logs: Logs) -> None:
    result = stepline("logs", "create")
    assert result.exit_code == 1
    assert "'create' could be: CreateChangeSetFunction, CreateStackFunction" in result.stderr


def test_without_the_stack_names_still_work(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    missing = client_error("ValidationError", "ListStackResources", "Stack with id stepline does not exist")
    use_target(
        target_of(
            lambda_=Answers({"list_functions": NAMES}),
            cloudformation=Answers({"list_stack_resources": missing}),
        )
    )
    assert "unrelated" in stepline("logs", "nothing").stderr


class Lambda:
    """Answers `invoke`; `events` are the payloads."""

    def __init__(self, payload: bytes, error: str | None = None) -> None:
        self.payload, self.error = payload, error
        self.events: list[bytes] = []

    def invoke(self, *, FunctionName: str, Payload: bytes, LogType: str) -> dict[str, Any]:
        assert (FunctionName, LogType) == ("stepline-TriggerFunction-C3", "Tail")
        self.events.append(Payload)
        answer: dict[str, Any] = {
            "Payload": io.BytesIO(self.payload),
            "LogResult": base64.b64encode(b"START\nworking\n").decode(),
        }
        return answer | ({"FunctionError": self.error} if self.error else {})


@pytest.fixture
def invoked(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> Callable[[Lambda], Lambda]:
    def use(function: Lambda) -> Lambda:
        monkeypatch.setattr(Target, "new_client", lambda *_args: function)
        return function

    return use


def test_invoke_prints_payload_and_log(
    stepline: Stepline, invoked: Callable[[Lambda], Lambda], tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"a": 1}')
    function = invoked(Lambda('{"é": [1]}'.encode()))
    result = stepline("invoke", "trigger", "-e", str(event))
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"é": [1]}
    assert "é" in result.stdout
    assert result.stderr.endswith("START\nworking\n")
    assert function.events == [b'{"a": 1}']


def test_invoke_reads_standard_input(stepline: Stepline, invoked: Callable[[Lambda], Lambda]) -> None:
    function = invoked(Lambda(b"null"))
    assert stepline("invoke", "trigger", "-e", "-", stdin="[1]").stdout == "null\n"
    assert function.events == [b"[1]"]


def test_invoke_fails_when_the_function_fails(
    stepline: Stepline, invoked: Callable[[Lambda], Lambda]
) -> None:
    invoked(Lambda(b'{"errorMessage": "no"}', error="Unhandled"))
    result = stepline("invoke", "trigger", "-e", "-", stdin="{}")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"errorMessage": "no"}
    assert result.stderr.splitlines()[-1] == (
        "stepline: stepline-TriggerFunction-C3 failed (Unhandled); its answer above says why"
    )


def test_an_event_that_is_no_json_and_one_that_is_missing(stepline: Stepline, logs: Logs) -> None:
    result = stepline("invoke", "trigger", "-e", "-", stdin="{")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "is not JSON" in result.stderr
    assert stepline("invoke", "trigger", "-e", "/nowhere.json").exit_code == 2
    assert stepline("invoke", "trigger").exit_code == 2


def test_an_invocation_is_never_sent_twice() -> None:
    settings = vars(invoke_command._PATIENT)
    assert settings["retries"] == {"total_max_attempts": 1}
    assert settings["read_timeout"] > 900

"""`stepline invoke`."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.target import Target
from stepline.cli.commands import invoke as invoke_command
from tests.aws.fakes import target_with_functions
from tests.cli.conftest import Stepline


class Lambda:
    """Answers `invoke` with a payload; `events` are the received events."""

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
def invoked(
    use_target: Callable[[Target], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Lambda], Lambda]:
    use_target(target_with_functions())

    def use(function: Lambda) -> Lambda:
        monkeypatch.setattr(Target, "new_client", lambda *_args: function)
        return function

    return use


def test_payload_and_log_are_printed(
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


def test_event_is_read_from_standard_input(stepline: Stepline, invoked: Callable[[Lambda], Lambda]) -> None:
    function = invoked(Lambda(b"null"))
    assert stepline("invoke", "trigger", "-e", "-", stdin="[1]").stdout == "null\n"
    assert function.events == [b"[1]"]


@pytest.mark.parametrize(
    ("arguments", "event"), [(("-e", ' {"a": 1}'), b' {"a": 1}'), (("-e", "[]"), b"[]"), ((), b"{}")]
)
def test_event_of_the_command_line_is_used(
    stepline: Stepline, invoked: Callable[[Lambda], Lambda], arguments: tuple[str, ...], event: bytes
) -> None:
    function = invoked(Lambda(b"null"))
    assert stepline("invoke", "trigger", *arguments).exit_code == 0
    assert function.events == [event]


def test_result_of_a_job_is_explained(stepline: Stepline, invoked: Callable[[Lambda], Lambda]) -> None:
    invoked(Lambda(b"null"))
    result = stepline("invoke", "trigger", "-e", '{"CodePipeline.job": {"id": "1"}}')
    assert (result.exit_code, result.stdout) == (0, "null\n")
    assert "the function returns null, whatever becomes of the job" in result.stderr


def test_failure_of_the_function_is_the_exit_code(
    stepline: Stepline, invoked: Callable[[Lambda], Lambda]
) -> None:
    invoked(Lambda(b'{"errorMessage": "no"}', error="Unhandled"))
    result = stepline("invoke", "trigger", "-e", "-", stdin="{}")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"errorMessage": "no"}
    assert result.stderr.splitlines()[-1] == (
        "stepline: stepline-TriggerFunction-C3 failed (Unhandled); see its response above"
    )


def test_malformed_and_missing_events_are_rejected(stepline: Stepline) -> None:
    result = stepline("invoke", "trigger", "-e", "-", stdin="{")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "is not JSON" in result.stderr
    assert stepline("invoke", "trigger", "-e", "/nowhere.json").exit_code == 2
    result = stepline("invoke", "trigger", "-e", '{"a": }')
    assert (result.exit_code, result.stderr.startswith("stepline: the event is not JSON: ")) == (1, True)


def test_invocation_is_never_retried() -> None:
    settings = vars(invoke_command._CONFIG)
    assert settings["retries"] == {"total_max_attempts": 1}
    assert settings["read_timeout"] > 900


def test_names_are_listed_without_a_name(stepline: Stepline, use_target: Callable[[Target], None]) -> None:
    use_target(target_with_functions())
    result = stepline("invoke")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["create-change-set", "create-stack", "trigger", "unrelated"]


def test_input_of_a_pipe_that_is_not_sent_is_reported(
    stepline: Stepline, invoked: Callable[[Lambda], Lambda], monkeypatch: pytest.MonkeyPatch
) -> None:
    function = invoked(Lambda(b"null"))
    monkeypatch.setattr(invoke_command, "_has_unread_input", lambda: True)
    assert "Standard input is not sent: use -e - for that." in stepline("invoke", "trigger").stderr
    assert "Standard input" not in stepline("invoke", "trigger", "-e", "-", stdin="{}").stderr
    assert function.events == [b"{}", b"{}"]


@pytest.mark.parametrize(("written", "expected"), [(b"", False), (b"{}", True)])
def test_data_in_standard_input_are_noticed_and_left(
    monkeypatch: pytest.MonkeyPatch, written: bytes, expected: bool
) -> None:
    reading, writing = os.pipe()
    os.write(writing, written)
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb"):
        monkeypatch.setattr("sys.stdin", stdin)
        assert invoke_command._has_unread_input() is expected
        if expected:
            assert os.read(reading, 10) == written

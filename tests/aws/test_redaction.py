"""What no page may show is hidden, and everything else stays."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.redaction import HIDDEN, redact_json, redact_optional, redact_text

CASES = json.loads((Path(__file__).parent / "redaction_cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_secrets_are_hidden(case: dict[str, Any]) -> None:
    given, expected = case["given"], case["expected"]
    assert redact_json(given) == expected
    if isinstance(given, str):
        assert redact_text(given) == expected
    else:
        assert json.loads(redact_text(json.dumps(given))) == expected


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_was_redacted_is_redacted_no_further(case: dict[str, Any]) -> None:
    assert redact_json(case["expected"]) == case["expected"]


def test_given_value_is_not_changed() -> None:
    given = {"inner": [{"password": "p"}]}
    redact_json(given)
    assert given == {"inner": [{"password": "p"}]}


def test_secret_nested_too_deeply_is_hidden() -> None:
    value: Any = {"password": "hunter2"}
    for _ in range(5_000):
        value = [value]
    assert "hunter2" not in str(redact_json(value))
    text = "[" * 50_000 + '{"password": "hunter2"}' + "]" * 50_000
    assert "hunter2" not in redact_text(text)
    assert redact_text(json.dumps({"rows": 1})) == '{"rows": 1}'


@pytest.mark.parametrize("name", ["password", "secretAccessKey", "x-api-key", "Authorization", "taskToken"])
@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("value", ["hunter2", 'a"b hunter2', ["hunter2"], {"inner": "hunter2"}])
def test_secret_stays_hidden_wherever_the_text_is_cut(name: str, levels: int, value: Any) -> None:
    text = json.dumps({"rows": [1], name: value, "end": True})
    for _ in range(levels - 1):
        text = json.dumps({"Cause": text})
    begin = text.index(name)
    for at in range(begin, len(text) + 1):
        assert "hunter2" not in redact_text(text[:at])
    for at in range(begin):
        assert "hunter2" not in redact_text(text[at:])


@pytest.mark.parametrize(
    "unit", ["a", '"', "\\", "{", "password:", 'token="', "-----BEGIN ", "://a:", "AKIA"]
)
def test_quarter_of_a_megabyte_takes_less_than_two_seconds(unit: str) -> None:
    begin = time.process_time()
    redact_text(unit * (262_144 // len(unit)))
    assert time.process_time() - begin < 2


def test_absent_text_stays_absent() -> None:
    assert redact_optional(None) is None
    assert redact_optional("password=p") == f"password={HIDDEN}"

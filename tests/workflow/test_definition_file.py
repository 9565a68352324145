"""The file with a definition, and its comparison with a state machine's definition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepline.core.errors import UsageError
from stepline.workflow.definition_file import DefinitionFile


def file_of(document: Any) -> DefinitionFile:
    return DefinitionFile.parse("f", json.dumps(document).encode())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f is not JSON: it is empty"),
        (b"{", "f is not JSON: "),
        (b'{"States": {}, "States": {}}', 'the key "States" twice'),
        (b"\xff", "f is not UTF-8 text"),
        (b"[]", "f is not a state machine: it has no States"),
        (b'{"States": []}', "f is not a state machine"),
        (b'{"States": {}, "Comment": "' + b"x" * 1_048_576 + b'"}', "more than 1,048,576 characters"),
    ],
    ids=["empty", "cut off", "a key twice", "bytes", "a list", "no states", "large"],
)
def test_malformed_file_is_rejected(content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        DefinitionFile.parse("f", content)


def test_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*no\.json: No such file"):
        DefinitionFile.read(tmp_path / "no.json")


SOUND = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Arn}", "Next": "${A}-${B}"}}}


@pytest.mark.parametrize(
    ("change", "matches"),
    [
        ({}, True),
        ({"Resource": "arn:x"}, True),
        ({"Next": "1-2"}, True),
        ({"Next": "12"}, False),
        ({"Type": "Pass"}, False),
        ({"More": 1}, False),
    ],
)
def test_placeholders_match_any_value(change: dict[str, Any], matches: bool) -> None:
    deployed = {"StartAt": "A", "States": {"A": {**SOUND["States"]["A"], **change}}}  # type: ignore[index]
    assert file_of(SOUND).matches(json.dumps(deployed)) is matches


@pytest.mark.parametrize(
    ("expected", "actual", "matches"),
    [(1, 1, True), (1, True, False), ([1], [1, 2], False), (["${X}"], ["y"], True), ("a", None, False)],
)
def test_values_are_compared_as_json(expected: Any, actual: Any, matches: bool) -> None:
    deployed = json.dumps({"States": {}, "value": actual})
    assert file_of({"States": {}, "value": expected}).matches(deployed) is matches


def test_text_that_is_not_json_does_not_match() -> None:
    assert not file_of({"States": {}}).matches("no")

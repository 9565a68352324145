"""The file that is deployed, and whether a machine has it."""

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
    ("content", "told"),
    [
        (b"", "f is not JSON: it is empty"),
        (b"{", "f is not JSON: "),
        (b'{"States": {}, "States": {}}', 'the key "States" twice'),
        (b"\xff", "f is not UTF-8 text"),
        (b"[]", "f is no state machine: it has no States"),
        (b'{"States": []}', "f is no state machine"),
        (b'{"States": {}, "Comment": "' + b"x" * 1_048_576 + b'"}', "more than 1,048,576 characters"),
    ],
    ids=["empty", "cut off", "a key twice", "bytes", "a list", "no states", "large"],
)
def test_what_cannot_be_deployed_is_told(content: bytes, told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("(", r"\(")):
        DefinitionFile.parse("f", content)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*no\.json: No such file"):
        DefinitionFile.read(tmp_path / "no.json")


SOUND = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Arn}", "Next": "${A}-${B}"}}}


@pytest.mark.parametrize(
    ("change", "is_it"),
    [
        ({}, True),
        ({"Resource": "arn:x"}, True),
        ({"Next": "1-2"}, True),
        ({"Next": "12"}, False),
        ({"Type": "Pass"}, False),
        ({"More": 1}, False),
    ],
)
def test_a_machine_has_it_whatever_fills_its_placeholders(change: dict[str, Any], is_it: bool) -> None:
    deployed = {"StartAt": "A", "States": {"A": {**SOUND["States"]["A"], **change}}}  # type: ignore[index]
    assert file_of(SOUND).is_definition(json.dumps(deployed)) is is_it


@pytest.mark.parametrize(
    ("wanted", "found", "is_it"),
    [(1, 1, True), (1, True, False), ([1], [1, 2], False), (["${X}"], ["y"], True), ("a", None, False)],
)
def test_values_are_compared_as_json_means_them(wanted: Any, found: Any, is_it: bool) -> None:
    deployed = json.dumps({"States": {}, "value": found})
    assert file_of({"States": {}, "value": wanted}).is_definition(deployed) is is_it


def test_what_is_not_json_is_another_definition() -> None:
    assert not file_of({"States": {}}).is_definition("no")

"""The sample as a whole: an event in, the real ASL, the real task."""

from __future__ import annotations

import json
from typing import Any

import pytest

from statemachines.s3_trigger import errors as own_errors
from statemachines.s3_trigger import summarize_object
from stepline.core import errors
from tests.statemachines import asl_rules
from tests.statemachines.s3_trigger.test_s3_trigger_start import NOTIFIED
from tests.statemachines.s3_trigger.world import MACHINE, World, definition, load_asl

KEY = ("incoming", "orders/2026/November 21.csv", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")


def run(world: World) -> dict[str, Any]:
    """The one execution that the event starts, as it ended."""
    world.deliver(NOTIFIED)
    (execution,) = world.executions()
    return execution


@pytest.mark.parametrize(
    ("content", "lines", "beginning"),
    [
        (b"id,amount\n1,2\n2,3\n", 3, "id,amount\n1,2\n2,3\n"),
        (b"id,amount\n1,2", 2, "id,amount\n1,2"),
        (b"", 0, ""),
        (b"\n", 1, "\n"),
        ("ü".encode() * 1_000, 1, "ü" * 200),
        (b"\xff\xfe", 1, "\N{REPLACEMENT CHARACTER}" * 2),
    ],
    ids=["lines", "last line unfinished", "empty", "blank", "long", "no text"],
)
def test_the_execution_tells_what_is_in_the_object(
    content: bytes, lines: int, beginning: str, world: World
) -> None:
    world.s3.objects[KEY] = content
    ended = run(world)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {
        "contentType": "text/csv",
        "lines": lines,
        "beginning": beginning,
        "complete": True,
    }


def test_a_large_object_is_not_read_to_its_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summarize_object, "MAX_READ_BYTES", 4)
    monkeypatch.setattr(summarize_object, "_CHUNK_BYTES", 2)
    world.s3.objects[KEY] = b"1\n2\n3\n"
    assert json.loads(run(world)["output"]) == {
        "contentType": "text/csv",
        "lines": 2,
        "beginning": "1\n",
        "complete": False,
    }


def test_the_version_that_was_written_is_read(world: World) -> None:
    world.s3.objects[KEY] = b"old"
    world.s3.objects[KEY[0], KEY[1], "newer"] = b"new"
    assert json.loads(run(world)["output"])["beginning"] == "old"


def test_a_connection_that_breaks_off_is_tried_again(world: World) -> None:
    world.s3.objects[KEY] = b"1\n"
    world.s3.broken_reads = 2
    assert run(world)["status"] == "SUCCEEDED"
    assert len(world.s3.called("GetObject")) == 3


def test_an_object_that_is_gone_fails_the_execution_at_once(world: World) -> None:
    ended = run(world)
    assert (ended["status"], ended["error"]) == ("FAILED", "ObjectDeletedError")
    assert "was deleted from incoming." in ended["cause"]
    assert len(world.s3.called("GetObject")) == 1


def test_a_missing_permission_fails_the_execution_at_once(world: World) -> None:
    world.s3.may_be_read = False
    ended = run(world)
    assert (ended["status"], ended["error"]) == ("FAILED", "PermissionDeniedError")
    assert len(world.s3.called("GetObject")) == 1


def test_an_input_that_somebody_made_up_is_a_clear_error(world: World) -> None:
    world.stepfunctions.start_execution(
        stateMachineArn=MACHINE, input='{"bucket": "b", "key": "", "version": null}'
    )
    (ended,) = world.executions()
    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidInputError")


def test_the_definition_keeps_the_rules(world: World) -> None:
    assert asl_rules.violations(load_asl(), errors, own_errors) == []
    checked = world.stepfunctions.validate_state_machine_definition(definition=definition())
    assert checked["diagnostics"] == []


def test_the_rules_find_what_is_wrong() -> None:
    asl = load_asl()
    task = asl["States"]["Summarize Object"]
    del asl["TimeoutSeconds"], task["Comment"], task["TimeoutSeconds"], task["Catch"]
    task["Retry"][0] = {"ErrorEquals": ["States.ALL", "TransientError"]}
    assert len(asl_rules.violations(asl, errors, own_errors)) == 8

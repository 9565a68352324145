"""Executions of the sample: the real ASL and the real task."""

from __future__ import annotations

import json
from typing import Any

import pytest

from statemachines.s3_trigger import errors as own_errors
from statemachines.s3_trigger import summarize_object
from stepline.core import errors
from tests.statemachines import asl_rules
from tests.statemachines.s3_trigger.world import (
    BUCKET,
    KEY,
    MACHINE,
    NOTIFIED,
    VERSION,
    World,
    definition,
    load_asl,
)


def run(world: World) -> dict[str, Any]:
    """Deliver the event, and describe the execution that it starts when it has ended."""
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
    ids=["lines", "last line incomplete", "empty", "blank", "long", "not text"],
)
def test_output_describes_the_content_of_the_object(
    content: bytes, lines: int, beginning: str, world: World
) -> None:
    world.s3.put(BUCKET, KEY, content, version=VERSION)
    ended = run(world)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {
        "contentType": "text/csv",
        "lines": lines,
        "beginning": beginning,
        "complete": True,
    }


def test_large_object_is_not_read_completely(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summarize_object, "MAX_READ_BYTES", 4)
    monkeypatch.setattr(summarize_object, "_CHUNK_BYTES", 2)
    world.s3.put(BUCKET, KEY, b"1\n2\n3\n", version=VERSION)
    assert json.loads(run(world)["output"]) == {
        "contentType": "text/csv",
        "lines": 2,
        "beginning": "1\n",
        "complete": False,
    }


def test_version_of_the_event_is_read(world: World) -> None:
    world.s3.put(BUCKET, KEY, b"old", version=VERSION)
    world.s3.put(BUCKET, KEY, b"new", version="newer")
    assert json.loads(run(world)["output"])["beginning"] == "old"


def test_broken_connection_is_retried(world: World) -> None:
    world.s3.put(BUCKET, KEY, b"1\n", version=VERSION)
    world.s3.cut_short = 2
    assert run(world)["status"] == "SUCCEEDED"
    assert len(world.s3.called("GetObject")) == 3


def test_deleted_object_fails_the_execution_without_retry(world: World) -> None:
    ended = run(world)
    assert (ended["status"], ended["error"]) == ("FAILED", "ObjectDeletedError")
    assert "was deleted from incoming." in ended["cause"]
    assert len(world.s3.called("GetObject")) == 1


def test_missing_permission_fails_the_execution_without_retry(world: World) -> None:
    world.s3.fail_next("GetObject", "AccessDenied", status=403, times=9)
    ended = run(world)
    assert (ended["status"], ended["error"]) == ("FAILED", "PermissionDeniedError")
    assert len(world.s3.called("GetObject")) == 1


def test_invalid_input_fails_the_execution(world: World) -> None:
    world.stepfunctions.start_execution(
        stateMachineArn=MACHINE, input='{"bucket": "b", "key": "", "version": null}'
    )
    (ended,) = world.executions()
    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidInputError")


def test_definition_follows_the_rules_of_all_state_machines(world: World) -> None:
    assert asl_rules.violations(load_asl(), errors, own_errors) == []
    checked = world.stepfunctions.validate_state_machine_definition(definition=definition())
    assert checked["diagnostics"] == []


def test_violations_of_the_rules_are_found() -> None:
    asl = load_asl()
    task = asl["States"]["Summarize Object"]
    del asl["TimeoutSeconds"], task["Comment"], task["TimeoutSeconds"], task["Catch"]
    task["Retry"][0] = {"ErrorEquals": ["States.ALL", "TransientError"]}
    assert len(asl_rules.violations(asl, errors, own_errors)) == 8

"""Which events start an execution, and under which name. The cases are in `events.json`.

Events that are refused are in `tests/bad_input/corpus`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cases import merged, parameters, read_cases
from tests.statemachines.s3_trigger.world import BUCKET, KEY, LOCAL_EVENTS, NOTIFIED, RECORDED, VERSION, World

CASES = read_cases(Path(__file__).with_name("events.json"))
"""A case has these members.

{
  "why":      what the case shows
  "notified": members merged over S3's event in local_events (null removes one); or "recorded", over
              CloudTrail's record; or "event", the whole event
  "objects":  [{"version", "size"}] of the event's key, the latest last; by default none for S3's event,
              which has the size, and the one of CloudTrail's record
  "expected": {"ignored": reason}, or {"name", "version"?, "size"?} of the execution that is started
}
"""


def started() -> list[Any]:
    return parameters({name: case for name, case in CASES.items() if "name" in case["expected"]})


def event_of(case: dict[str, Any]) -> Any:
    if "event" in case:
        return case["event"]
    return merged(NOTIFIED, case["notified"]) if "notified" in case else merged(RECORDED, case["recorded"])


def key_of(event: Any) -> str:
    detail = event["detail"]
    return str(detail["object"]["key"] if "object" in detail else detail["requestParameters"]["key"])


def put_objects(world: World, case: dict[str, Any]) -> None:
    default = [{"version": VERSION, "size": 5}] if "recorded" in case else []
    for item in case.get("objects", default):
        content = b"x" * item["size"]
        world.s3.put(BUCKET, key_of(event_of(case)), content, version=item["version"])


@pytest.mark.parametrize("case", started())
def test_event_of_a_written_object_starts_an_execution(case: dict[str, Any], world: World) -> None:
    put_objects(world, case)
    event, expected = event_of(case), case["expected"]
    answer = world.deliver(event)
    (execution,) = world.executions()
    assert answer == {"executionArn": execution["executionArn"]}
    assert execution["name"] == expected["name"]
    assert json.loads(execution["input"]) == {
        "bucket": BUCKET,
        "key": key_of(event),
        "size": expected.get("size", 5),
        "version": expected.get("version", VERSION),
    }
    assert re.fullmatch("[0-9A-Za-z_-]{1,80}", execution["name"])


@pytest.mark.parametrize("case", started())
def test_repeated_event_starts_no_other_execution(case: dict[str, Any], world: World) -> None:
    put_objects(world, case)
    event = event_of(case)
    first = world.deliver(event)
    assert world.deliver(event) == first  # while the execution runs
    assert len(world.executions()) == 1
    assert world.deliver(event) == first  # after it has ended
    assert len(world.executions()) == 1


@pytest.mark.parametrize(
    "case", parameters({name: case for name, case in CASES.items() if "ignored" in case["expected"]})
)
def test_other_events_are_ignored(case: dict[str, Any], world: World) -> None:
    put_objects(world, case)
    assert world.deliver(event_of(case)) == {"ignored": case["expected"]["ignored"]}
    assert world.executions() == []


def test_name_shows_the_end_of_the_longest_key(world: World) -> None:
    """A key has 1,024 bytes at most; the name of the file is at its end."""
    key = "d/" * 500 + "the-name-of-the-file.csv"
    assert len(key) == 1_024
    world.deliver(merged(NOTIFIED, {"detail": {"object": {"key": key}}}))
    (execution,) = world.executions()
    assert json.loads(execution["input"])["key"] == key
    assert execution["name"] == "d-" * 17 + "the-name-of-the-file-csv-894972b5633d0ea0d7da"


def test_only_events_of_the_same_write_have_the_same_name() -> None:
    """They are those of both ways of detection, and the versions of one key in `events.json`."""
    names = {name: case["expected"].get("name") for name, case in CASES.items()}
    repeated = {name for name, made in names.items() if made and list(names.values()).count(made) > 1}
    assert repeated == {
        "notified_version", "recorded_put", "recorded_form", "recorded_older_version",
        "notified_without_version", "notified_null_version",
        "recorded_without_version", "recorded_version_missing", "recorded_null_version",
        "notified_copy", "recorded_copy",
        "notified_multipart", "recorded_multipart",
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted(LOCAL_EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_local_events_are_events_of_s3(path: Path, world: World) -> None:
    world.s3.put(BUCKET, KEY, b"12345", version=VERSION)
    answer = world.deliver(json.loads(path.read_text()))
    assert ("ignored" in answer) == (path.stem == "deleted")

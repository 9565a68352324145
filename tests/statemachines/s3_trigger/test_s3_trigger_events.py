"""Events in, executions out: each file of `event_cases/` is one event and what comes of it.

`event` is what EventBridge hands over; `objects` are those of the bucket; `expected` is one of
`name` and `input` of the execution, `ignored` (why), or `error` and a part of its `message`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stepline.core.errors import SteplineError
from tests.statemachines.s3_trigger.world import PROJECT, World

CASES = {path.stem: path for path in sorted((Path(__file__).parent / "event_cases").glob("*.json"))}
LOCAL_EVENTS = sorted((PROJECT / "local_events/start_execution").glob("*.json"))


def load(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(CASES[name].read_text())
    assert case["why"]
    return case


def fill(world: World, case: dict[str, Any]) -> None:
    for item in case.get("objects", []):
        world.s3.objects[item["bucket"], item["key"], item["version"]] = b"x" * item["size"]


def of(outcome: str) -> list[str]:
    return [name for name in CASES if outcome in load(name)["expected"]]


@pytest.mark.parametrize("name", of("name"))
def test_a_written_object_starts_an_execution(name: str, world: World) -> None:
    case = load(name)
    fill(world, case)
    answer = world.deliver(case["event"])
    (execution,) = world.stepfunctions.list_executions(
        stateMachineArn="arn:aws:states:us-east-1:000000000000:stateMachine:sample"
    )["executions"]
    assert answer == {"executionArn": execution["executionArn"]}
    described = world.stepfunctions.describe_execution(executionArn=execution["executionArn"])
    assert (described["name"], json.loads(described["input"])) == (
        case["expected"]["name"],
        case["expected"]["input"],
    )
    assert re.fullmatch("[0-9A-Za-z_-]{1,80}", described["name"])


@pytest.mark.parametrize("name", of("name"))
def test_the_same_event_again_starts_nothing(name: str, world: World) -> None:
    case = load(name)
    fill(world, case)
    first = world.deliver(case["event"])
    assert world.deliver(case["event"]) == first  # while it runs
    assert len(world.executions()) == 1
    assert world.deliver(case["event"]) == first  # and when it has ended
    assert len(world.executions()) == 1


@pytest.mark.parametrize("name", of("ignored"))
def test_other_events_start_nothing(name: str, world: World) -> None:
    case = load(name)
    fill(world, case)
    assert world.deliver(case["event"]) == {"ignored": case["expected"]["ignored"]}
    assert world.executions() == []


@pytest.mark.parametrize("name", of("error"))
def test_what_is_no_event_is_a_clear_error(name: str, world: World) -> None:
    case = load(name)
    with pytest.raises(SteplineError, match=re.escape(case["expected"]["message"])) as caught:
        world.deliver(case["event"])
    assert type(caught.value).__name__ == case["expected"]["error"]
    assert world.executions() == []


def test_different_writes_have_different_names() -> None:
    """Only where the same write is told by both ways of detection the name is the same."""
    names = {name: load(name)["expected"]["name"] for name in of("name")}
    alike = {name for name, made in names.items() if list(names.values()).count(made) > 1}
    assert alike == {
        "notified_version", "recorded_put", "recorded_form", "recorded_older_version",
        "notified_without_version", "notified_null_version",
        "recorded_without_version", "recorded_version_not_told", "recorded_null_version",
        "notified_copy", "recorded_copy",
        "notified_multipart", "recorded_multipart",
    }  # fmt: skip


@pytest.mark.parametrize("path", LOCAL_EVENTS, ids=lambda path: path.stem)
def test_the_events_for_sam_local_invoke_are_events(path: Path, world: World) -> None:
    world.s3.objects["incoming", "orders/2026/November 21.csv", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"] = b"12345"
    answer = world.deliver(json.loads(path.read_text()))
    assert ("ignored" in answer) == (path.stem == "deleted")

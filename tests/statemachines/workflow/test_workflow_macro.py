"""What the macro answers CloudFormation. Each file in cases/ is a case.

A case has `object` (or `text`, `hex`), what lies in the bucket; `event`, members that are merged over a sound
event (null removes one); and `gives` ("the object" or "the fragment") or `fails`, a part of the message.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statemachines.workflow.definition import MAX_DEFINITION_CHARACTERS
from statemachines.workflow.inject_definition import MAX_DEFINITION_BYTES
from tests.statemachines.cases import merged
from tests.statemachines.fake_client import FakeAwsError, Fault
from tests.statemachines.workflow.world import BUCKET, KEY, VERSION, World, load_event

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


@pytest.fixture
def world() -> World:
    return World()


def sound_event() -> Any:
    """Of a deployment; the object is there."""
    return merged(
        load_event("deployment"),
        {"templateParameterValues": {"DefinitionKey": KEY, "DefinitionVersion": VERSION}},
    )


def deployed(world: World, text: str) -> Any:
    world.put(text.encode())
    return world.inject(sound_event())


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_is_answered(world: World, path: Path) -> None:
    case = json.loads(path.read_text())
    body = bytes.fromhex(case["hex"]) if "hex" in case else b""
    body = case["text"].encode() if "text" in case else body
    body = json.dumps(case["object"], indent=2).encode() if "object" in case else body
    world.put(body)
    event = merged(sound_event(), case.get("event", {}))
    answer = world.inject(event)
    assert answer["requestId"] == event["requestId"]
    if "fails" in case:
        assert answer["status"] == "failure"
        assert case["fails"] in answer["errorMessage"]
        assert "fragment" not in answer
        return
    assert answer["status"] == "success", answer
    if case["gives"] == "the fragment":
        assert answer["fragment"] == event["fragment"]
        return
    kept = {name: value for name, value in event["fragment"].items() if name != "Definition"}
    assert answer["fragment"] == {**kept, "DefinitionString": body.decode()}


def test_local_events_are_what_the_template_sends(world: World) -> None:
    assert world.inject(load_event("first_creation"))["status"] == "success"
    told = world.inject(load_event("deployment"))
    assert "There is no object" in told["errorMessage"]


def test_it_reads_one_version_of_one_object_and_nothing_else(world: World) -> None:
    deployed(world, '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}')
    assert world.s3.calls == [("GetObject", {"Bucket": BUCKET, "Key": KEY, "VersionId": VERSION})]


def test_the_sample_may_be_injected(world: World) -> None:
    event = merged(
        sound_event(), {"fragment": {"DefinitionSubstitutions": {"GreetingParameterName": {"Ref": "P"}}}}
    )
    text = (Path(__file__).parents[3] / "statemachines/workflow/sample.asl.json").read_text()
    world.put(text.encode())
    assert world.inject(event)["fragment"]["DefinitionString"] == text


def test_a_value_of_the_template_is_checked_as_it_will_be(world: World) -> None:
    """A quote in it would break the JSON."""
    event = merged(sound_event(), {"fragment": {"DefinitionSubstitutions": {"Text": 'a "quoted" text'}}})
    world.put(b'{"StartAt": "A", "States": {"A": {"Type": "Succeed", "Comment": "${Text}"}}}')
    told = world.inject(event)
    assert "is not JSON" in told["errorMessage"] or "INVALID_JSON" in told["errorMessage"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"Comment": "' + "x" * MAX_DEFINITION_CHARACTERS + '"}', "more than 1,048,576 characters"),
        ('{"Comment": "' + '\\"' * 400_000 + '"}', "larger than 1,000,000 bytes"),
        ("x" * (MAX_DEFINITION_BYTES + 1), "more than 4,194,304 bytes"),
    ],
    ids=["characters", "within the template", "bytes"],
)
def test_a_definition_has_its_limits(world: World, text: str, message: str) -> None:
    assert message in deployed(world, text)["errorMessage"]


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("AccessDenied", 403, "not yours (GetObject: AccessDenied)"),
        ("KMS.DisabledException", 400, "not yours (GetObject: KMS.DisabledException)"),
        ("InvalidArgument", 400, "There is no object"),
    ],
)
def test_what_s3_refuses_is_told(world: World, code: str, status: int, message: str) -> None:
    world.s3.faults = [Fault("GetObject", (1,), FakeAwsError(code, "not yours", status))]
    assert message in world.inject(sound_event())["errorMessage"]


def test_an_event_of_somebody_else_is_a_failure() -> None:
    assert World().inject({"requestId": "r"})["errorMessage"] == 'The event lacks "fragment".'


def test_a_missing_setting_is_named(world: World) -> None:
    world.variables["DEFINITIONS_PREFIX"] = ""
    assert "DEFINITIONS_PREFIX is not set" in world.inject(sound_event())["errorMessage"]

"""What the macro answers CloudFormation. Invalid requests and definitions are in `tests/bad_input/corpus`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from statemachines.workflow.definition import MAX_DEFINITION_CHARACTERS, Target, validate
from statemachines.workflow.inject_definition import MAX_DEFINITION_BYTES
from stepline.localaws.protocol import AwsError
from tests.cases import merged
from tests.fakes.service import Fault
from tests.statemachines.workflow.world import BUCKET, KEY, VERSION, World, load_event


@pytest.fixture
def world() -> World:
    return World()


def valid_event() -> Any:
    """Return the event of a deployment."""
    return merged(
        load_event("deployment"),
        {"templateParameterValues": {"DefinitionKey": KEY, "DefinitionVersion": VERSION}},
    )


def inject(world: World, text: str) -> Any:
    world.put(text.encode())
    return world.inject(valid_event())


def inserted(world: World, event: Any) -> Any:
    """Return the definition in the fragment that the macro returns, which has the same members otherwise."""
    response = world.inject(event)
    assert (response["requestId"], response["status"]) == (event["requestId"], "success"), response
    kept = {name: value for name, value in event["fragment"].items() if name != "Definition"}
    definition = response["fragment"].pop("DefinitionString")
    assert response["fragment"] == kept
    return definition


PASS = {"Type": "Pass", "End": True}
SEND_MESSAGE = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage",
    "Parameters": {"QueueUrl": "${QueueUrl}", "MessageBody": "x"},
    "End": True,
}


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        pytest.param(PASS, {}, id="definition"),
        pytest.param(PASS, {"fragment": {"StateMachineType": "EXPRESS"}}, id="Express"),
        pytest.param(PASS, {"params": {"Key": KEY, "Version": VERSION}}, id="parameters are texts"),
        pytest.param(SEND_MESSAGE, {}, id="placeholder"),
        pytest.param(
            {"Type": "Task", "Resource": "${TaskArn}", "End": True},
            {"fragment": {"DefinitionSubstitutions": {"TaskArn": {"Fn::GetAtt": ["Task", "Arn"]}}}},
            id="placeholder is the resource",
        ),
    ],
)
def test_definition_is_inserted_as_it_is(world: World, state: Any, changes: Any) -> None:
    text = json.dumps({"StartAt": "A", "States": {"A": state}}, indent=2)
    world.put(text.encode())
    assert inserted(world, merged(valid_event(), changes)) == text


def test_fragment_stays_until_a_definition_is_deployed(world: World) -> None:
    event = merged(valid_event(), {"templateParameterValues": {"DefinitionVersion": " "}})
    assert world.inject(event)["fragment"] == event["fragment"]


def test_local_events_are_valid(world: World) -> None:
    assert world.inject(load_event("first_creation"))["status"] == "success"
    assert "There is no object" in world.inject(load_event("deployment"))["errorMessage"]


def test_one_version_of_one_object_is_read(world: World) -> None:
    inject(world, '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}')
    ((operation, request),) = world.s3.calls
    assert (operation, request.bucket, request.key) == ("GetObject", BUCKET, KEY)
    assert request.query["versionId"] == VERSION


def test_sample_can_be_inserted(world: World) -> None:
    values = {"Partition": {"Ref": "AWS::Partition"}, "GreetingParameterName": {"Ref": "P"}}
    event = merged(valid_event(), {"fragment": {"DefinitionSubstitutions": values}})
    text = (Path(__file__).parents[3] / "statemachines/workflow/sample.asl.json").read_text()
    world.put(text.encode())
    assert inserted(world, event) == text


def test_definition_is_checked_with_its_substitutions(world: World) -> None:
    """A quote in a value breaks the JSON."""
    event = merged(valid_event(), {"fragment": {"DefinitionSubstitutions": {"Text": 'a "quoted" text'}}})
    world.put(b'{"StartAt": "A", "States": {"A": {"Type": "Succeed", "Comment": "${Text}"}}}')
    message = world.inject(event)["errorMessage"]
    assert "is not JSON" in message or "INVALID_JSON" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"Comment": "' + "x" * MAX_DEFINITION_CHARACTERS + '"}', "more than 1,048,576 characters"),
        ('{"Comment": "' + '\\"' * 400_000 + '"}', "larger than 1,000,000 bytes"),
        ("x" * (MAX_DEFINITION_BYTES + 1), "more than 4,194,304 bytes"),
    ],
    ids=["characters", "within the template", "bytes"],
)
def test_definition_that_is_too_large_is_rejected(world: World, text: str, message: str) -> None:
    assert message in inject(world, text)["errorMessage"]


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("AccessDenied", 403, "not yours (GetObject: AccessDenied)"),
        ("KMS.DisabledException", 400, "not yours (GetObject: KMS.DisabledException)"),
        ("InvalidArgument", 400, "There is no object"),
    ],
)
def test_error_of_s3_is_in_the_message(world: World, code: str, status: int, message: str) -> None:
    world.s3.faults = [Fault("GetObject", (1,), AwsError("not yours", code=code, status=status))]
    assert message in world.inject(valid_event())["errorMessage"]


def test_event_of_another_kind_is_a_failure() -> None:
    assert World().inject({"requestId": "r"})["errorMessage"] == 'The event lacks "fragment".'


def test_missing_setting_is_named_in_the_error(world: World) -> None:
    world.variables["DEFINITIONS_PREFIX"] = ""
    assert "DEFINITIONS_PREFIX is not set" in world.inject(valid_event())["errorMessage"]


def test_definition_is_validated_with_the_values_of_its_partition() -> None:
    client = boto3.client(
        "stepfunctions", region_name="cn-north-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    text = '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "%s", "End": true}}}'
    substitutions = {"Partition": {"Ref": "AWS::Partition"}, "Task": {"Fn::GetAtt": ["Task", "Arn"]}}
    with Stubber(client) as stubber:
        for resource in ("arn:aws-cn:states:::a:b", "arn:aws-cn:lambda:cn-north-1:1:function:placeholder"):
            expected = {
                "definition": text % resource,
                "type": "STANDARD",
                "severity": "ERROR",
                "maxResults": ANY,
            }
            stubber.add_response(
                "validate_state_machine_definition", {"result": "OK", "diagnostics": []}, expected
            )
        target = Target("cn-north-1", "1", "STANDARD", substitutions)
        validate(client, text % "arn:${Partition}:states:::a:b", target)
        validate(client, text % "${Task}", target)
        stubber.assert_no_pending_responses()

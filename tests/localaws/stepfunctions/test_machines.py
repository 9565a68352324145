"""State machines: created, updated, described, tagged, deleted, and read from a store of CloudFormation."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.stepfunctions.world import MACHINE_ARN, PASS, ROLE_ARN, WAIT, Outcome, World, error_of

DEFINITION = json.dumps({"StartAt": "Pass", "States": PASS})


def create(world: World, **settings: Any) -> Any:
    parameters = {"name": "machine", "definition": DEFINITION, "roleArn": ROLE_ARN}
    return world.client.create_state_machine(**(parameters | settings))


def test_describe_returns_a_created_machine(world: World) -> None:
    response = create(world)
    assert response["stateMachineArn"] == MACHINE_ARN
    described = world.client.describe_state_machine(stateMachineArn=MACHINE_ARN)
    del described["ResponseMetadata"]
    assert described == {
        "stateMachineArn": MACHINE_ARN,
        "name": "machine",
        "status": "ACTIVE",
        "definition": DEFINITION,
        "roleArn": ROLE_ARN,
        "type": "STANDARD",
        "creationDate": world.clock.now(),
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
    }
    metadata = world.client.describe_state_machine(stateMachineArn=MACHINE_ARN, includedData="METADATA_ONLY")
    assert "definition" not in metadata


def test_second_creation_with_equal_settings_returns_the_first_machine(world: World) -> None:
    first = create(world)
    world.virtual_clock.advance(60)
    again = create(world, roleArn=ROLE_ARN + "-other", tags=[{"key": "a", "value": "b"}])
    assert again["creationDate"] == first["creationDate"]
    assert world.client.describe_state_machine(stateMachineArn=MACHINE_ARN)["roleArn"] == ROLE_ARN


@pytest.mark.parametrize(
    "change", [{"definition": json.dumps({"StartAt": "Wait", "States": WAIT})}, {"type": "EXPRESS"}]
)
def test_machine_with_the_name_of_another_is_refused(world: World, change: dict[str, str]) -> None:
    create(world)
    with pytest.raises(ClientError, match="State Machine Already Exists: 'arn:aws:states:") as caught:
        create(world, **change)
    assert caught.value.response["Error"]["Code"] == "StateMachineAlreadyExists"


def test_update_creates_a_revision(world: World) -> None:
    create(world)
    world.virtual_clock.advance(60)
    new = json.dumps({"StartAt": "Wait", "States": WAIT})
    response = world.client.update_state_machine(stateMachineArn=MACHINE_ARN, definition=new)
    described = world.client.describe_state_machine(stateMachineArn=MACHINE_ARN)
    assert response["updateDate"] == world.clock.now()
    assert described["revisionId"] == response["revisionId"]
    assert described["definition"] == new
    assert described["roleArn"] == ROLE_ARN


def test_invalid_updates_are_refused(world: World) -> None:
    create(world)
    update = world.client.update_state_machine
    assert error_of(update, stateMachineArn=MACHINE_ARN)[0] == "MissingRequiredParameter"
    assert error_of(update, stateMachineArn=MACHINE_ARN, definition="{}")[0] == "InvalidDefinition"
    assert error_of(update, stateMachineArn=MACHINE_ARN + "-none", roleArn=ROLE_ARN)[0] == (
        "StateMachineDoesNotExist"
    )
    assert error_of(update, stateMachineArn=MACHINE_ARN, versionDescription="d") == (
        "ValidationException",
        "Version description can only be set when publish is true",
    )


def test_delete_aborts_executions_and_is_idempotent(world: World) -> None:
    execution = world.start(world.create(WAIT))
    world.virtual_clock.advance(1)
    for _ in range(2):
        world.client.delete_state_machine(stateMachineArn=MACHINE_ARN)
    assert world.statuses() == ["RUNNING", "ABORTED"]
    assert error_of(world.client.describe_state_machine, stateMachineArn=MACHINE_ARN)[0] == (
        "StateMachineDoesNotExist"
    )
    assert error_of(world.client.describe_execution, executionArn=execution)[0] == "ExecutionDoesNotExist"


def test_machines_are_listed_in_pages(world: World) -> None:
    for name in ("c", "a", "b"):
        create(world, name=name)
    pages = world.client.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2})
    assert [[item["name"] for item in page["stateMachines"]] for page in pages] == [["a", "b"], ["c"]]


def test_tags_are_added_replaced_and_removed(world: World) -> None:
    create(world, tags=[{"key": "a", "value": "1"}])
    world.client.tag_resource(
        resourceArn=MACHINE_ARN, tags=[{"key": "b", "value": "2"}, {"key": "a", "value": "3"}]
    )
    assert world.client.list_tags_for_resource(resourceArn=MACHINE_ARN)["tags"] == [
        {"key": "a", "value": "3"},
        {"key": "b", "value": "2"},
    ]
    world.client.untag_resource(resourceArn=MACHINE_ARN, tagKeys=["a"])
    assert world.client.list_tags_for_resource(resourceArn=MACHINE_ARN)["tags"] == [
        {"key": "b", "value": "2"}
    ]
    assert error_of(world.client.list_tags_for_resource, resourceArn=MACHINE_ARN + "-none")[0] == (
        "ResourceNotFound"
    )


@pytest.mark.parametrize("name", ["a b", "a*b", 'a"b'])
def test_invalid_name_is_refused(world: World, name: str) -> None:
    with pytest.raises(ClientError, match="Invalid Name") as caught:
        create(world, name=name)
    assert caught.value.response["Error"]["Code"] == "InvalidName"


def test_machine_created_by_cloudformation_can_be_described_and_started(world: World) -> None:
    """ministack writes dates as text, and no tracing configuration."""
    world.machines[MACHINE_ARN] = {
        "stateMachineArn": MACHINE_ARN,
        "name": "machine",
        "definition": DEFINITION,
        "roleArn": ROLE_ARN,
        "type": "STANDARD",
        "creationDate": "2026-01-31T12:00:00.000Z",
        "status": "ACTIVE",
        "loggingConfiguration": {"level": "ALL", "includeExecutionData": True},
        "lastVersionNumber": 0,
    }
    described = world.client.describe_state_machine(stateMachineArn=MACHINE_ARN)
    assert described["creationDate"] == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert described["loggingConfiguration"]["level"] == "ALL"
    execution = world.start(MACHINE_ARN, {"a": 1})
    world.virtual_clock.run()
    assert Outcome(world, execution).output == {"a": 1}
    machine = world.client.describe_state_machine_for_execution(executionArn=execution)
    assert machine["updateDate"] == datetime(2026, 1, 31, 12, tzinfo=UTC)
    del world.machines[MACHINE_ARN]
    assert (
        error_of(world.client.start_execution, stateMachineArn=MACHINE_ARN)[0] == "StateMachineDoesNotExist"
    )


@pytest.mark.parametrize(
    "definition", ["nonsense", "[]", '{"StartAt":"A","States":{"A":{"Type":"Nonsense"}}}']
)
def test_execution_of_an_invalid_definition_fails(world: World, definition: str) -> None:
    create(world)
    world.machines[MACHINE_ARN] |= {"definition": definition}
    execution = world.start(MACHINE_ARN)
    world.virtual_clock.run()
    outcome = Outcome(world, execution)
    assert (outcome.status, outcome.description["error"]) == ("FAILED", "States.Runtime")


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("nope", "Invalid ARN prefix: nope"),
        ("arn:aws:s3:::bucket", "Invalid ARN service: arn:aws:s3:::bucket"),
    ],
)
def test_role_that_is_no_role_is_refused(world: World, role: str, reason: str) -> None:
    expected = ("InvalidArn", f"Invalid Arn: '{reason}'")
    parameters = {"name": "m", "definition": DEFINITION}
    assert error_of(world.client.create_state_machine, roleArn=role, **parameters) == expected
    create(world)
    assert error_of(world.client.update_state_machine, stateMachineArn=MACHINE_ARN, roleArn=role) == expected


def test_more_than_50_tags_are_refused(world: World) -> None:
    tags = [{"key": str(number), "value": ""} for number in range(50)]
    create(world, tags=tags)
    more = [{"key": "one", "value": "more"}]
    assert error_of(world.client.tag_resource, resourceArn=MACHINE_ARN, tags=more)[0] == "TooManyTags"
    assert len(world.client.list_tags_for_resource(resourceArn=MACHINE_ARN)["tags"]) == 50
    parameters = {"name": "m", "definition": DEFINITION, "roleArn": ROLE_ARN}
    assert error_of(world.client.create_state_machine, tags=tags + more, **parameters)[0] == "TooManyTags"


@pytest.mark.parametrize(
    "destinations",
    [[], [{"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:g"}}]],
)
def test_log_without_a_destination_is_refused(world: World, destinations: list[Any]) -> None:
    configuration = {"level": "ALL", "destinations": destinations}
    parameters = {"name": "m", "definition": DEFINITION, "roleArn": ROLE_ARN}
    call = world.client.create_state_machine
    assert error_of(call, loggingConfiguration=configuration, **parameters)[0] == (
        "InvalidLoggingConfiguration"
    )
    create(world)
    update = world.client.update_state_machine
    assert error_of(update, stateMachineArn=MACHINE_ARN, loggingConfiguration=configuration)[0] == (
        "InvalidLoggingConfiguration"
    )

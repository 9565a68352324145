"""Versions and aliases of state machines; messages are those of recorded answers of AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.localaws.stepfunctions.world import MACHINE_ARN, ROLE_ARN, World, error_of

ONE, TWO, LIVE = f"{MACHINE_ARN}:1", f"{MACHINE_ARN}:2", f"{MACHINE_ARN}:live"


def definition(result: str) -> str:
    return json.dumps({"StartAt": "S", "States": {"S": {"Type": "Pass", "Result": result, "End": True}}})


def create(world: World, **settings: Any) -> Mapping[str, Any]:
    response: Mapping[str, Any] = world.client.create_state_machine(
        name="machine", definition=definition("one"), roleArn=ROLE_ARN, **settings
    )
    return response


@pytest.fixture
def versions(world: World) -> World:
    """A machine with versions 1 and 2, whose results are `one` and `two`."""
    create(world, publish=True)
    world.client.update_state_machine(stateMachineArn=MACHINE_ARN, definition=definition("two"), publish=True)
    return world


def route(**weights: int) -> list[dict[str, Any]]:
    return [
        {"stateMachineVersionArn": f"{MACHINE_ARN}:{name.strip('v')}", "weight": weight}
        for name, weight in weights.items()
    ]


def version_arns(world: World) -> list[str]:
    response = world.client.list_state_machine_versions(stateMachineArn=MACHINE_ARN)
    return [version["stateMachineVersionArn"] for version in response["stateMachineVersions"]]


def output(world: World, arn: str) -> Any:
    return json.loads(describe(world, arn)["output"])


def describe(world: World, arn: str) -> Mapping[str, Any]:
    execution = world.start(arn)
    world.virtual_clock.run()
    description: Mapping[str, Any] = world.client.describe_execution(executionArn=execution)
    return description


def test_machine_is_published_when_it_is_created(world: World) -> None:
    assert create(world, publish=True, versionDescription="first")["stateMachineVersionArn"] == ONE
    described = world.client.describe_state_machine(stateMachineArn=ONE)
    assert (described["stateMachineArn"], described["description"]) == (ONE, "first")
    assert "description" not in world.client.describe_state_machine(stateMachineArn=MACHINE_ARN)


def test_version_keeps_its_definition(versions: World) -> None:
    versions.client.update_state_machine(stateMachineArn=MACHINE_ARN, definition=definition("three"))
    assert [output(versions, arn) for arn in (ONE, TWO, MACHINE_ARN)] == ["one", "two", "three"]


def test_same_revision_is_published_once(world: World) -> None:
    create(world)
    for _ in range(2):
        response = world.client.publish_state_machine_version(stateMachineArn=MACHINE_ARN)
        assert response["stateMachineVersionArn"] == ONE
    response = world.client.update_state_machine(stateMachineArn=MACHINE_ARN, publish=True)
    assert response["stateMachineVersionArn"] == ONE
    assert "revisionId" not in response


def test_revision_that_is_not_current_is_not_published(versions: World) -> None:
    current = versions.client.describe_state_machine(stateMachineArn=MACHINE_ARN)["revisionId"]
    error = error_of(
        versions.client.publish_state_machine_version, stateMachineArn=MACHINE_ARN, revisionId="old"
    )
    assert error == (
        "ConflictException",
        "Failed to publish the State Machine version for revision old. The current State Machine revision is "
        f"{current}.",
    )


def test_numbers_of_deleted_versions_are_not_used_again(versions: World) -> None:
    assert version_arns(versions) == [TWO, ONE]
    for _ in range(2):
        versions.client.delete_state_machine_version(stateMachineVersionArn=TWO)
    versions.client.publish_state_machine_version(stateMachineArn=MACHINE_ARN)
    assert version_arns(versions) == [f"{MACHINE_ARN}:3", ONE]
    error = error_of(versions.client.describe_state_machine, stateMachineArn=TWO)
    assert error == ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{TWO}'")


def test_version_of_a_machine_that_is_missing_is_refused(world: World) -> None:
    publish = world.client.publish_state_machine_version
    assert error_of(publish, stateMachineArn=MACHINE_ARN)[0] == "StateMachineDoesNotExist"
    assert error_of(publish, stateMachineArn="invalid_arn") == (
        "InvalidArn",
        "Invalid Arn: 'Invalid ARN prefix: invalid_arn'",
    )


def test_execution_names_its_version_and_alias(versions: World) -> None:
    versions.client.create_state_machine_alias(name="live", routingConfiguration=route(v1=100))
    by_alias, by_version, by_machine = (describe(versions, arn) for arn in (LIVE, ONE, MACHINE_ARN))
    assert (by_alias["stateMachineVersionArn"], by_alias["stateMachineAliasArn"]) == (ONE, LIVE)
    assert (by_version["stateMachineVersionArn"], by_version.get("stateMachineAliasArn")) == (ONE, None)
    assert by_machine.keys().isdisjoint({"stateMachineVersionArn", "stateMachineAliasArn"})
    assert {each["stateMachineArn"] for each in (by_alias, by_version, by_machine)} == {MACHINE_ARN}
    assert versions.events[-1].detail["stateMachineVersionArn"] is None
    assert versions.events[0].detail["stateMachineAliasArn"] == LIVE


@pytest.mark.parametrize(("arn", "count"), [(LIVE, 1), (ONE, 2), (TWO, 0), (MACHINE_ARN, 3)])
def test_executions_are_listed_by_version_or_alias(versions: World, arn: str, count: int) -> None:
    versions.client.create_state_machine_alias(name="live", routingConfiguration=route(v1=100))
    for started in (LIVE, ONE, MACHINE_ARN):
        describe(versions, started)
    assert len(versions.client.list_executions(stateMachineArn=arn)["executions"]) == count


def test_alias_is_updated(versions: World) -> None:
    arn = versions.client.create_state_machine_alias(
        name="live", description="d", routingConfiguration=route(v1=100)
    )["stateMachineAliasArn"]
    assert output(versions, arn) == "one"
    versions.client.update_state_machine_alias(stateMachineAliasArn=arn, routingConfiguration=route(v2=100))
    assert output(versions, arn) == "two"
    described = versions.client.describe_state_machine_alias(stateMachineAliasArn=arn)
    described.pop("ResponseMetadata")
    now = versions.clock.now()
    assert described == {
        "stateMachineAliasArn": LIVE,
        "name": "live",
        "description": "d",
        "routingConfiguration": route(v2=100),
        "creationDate": now,
        "updateDate": now,
    }


def test_alias_with_two_versions_uses_both(versions: World) -> None:
    versions.client.create_state_machine_alias(name="live", routingConfiguration=route(v1=50, v2=50))
    assert {output(versions, LIVE) for _ in range(40)} == {"one", "two"}


def test_aliases_are_listed_and_deleted(versions: World) -> None:
    for name, weights in (("a", route(v1=100)), ("b", route(v2=100))):
        versions.client.create_state_machine_alias(name=name, routingConfiguration=weights)

    def listed(arn: str) -> list[str]:
        aliases = versions.client.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]
        return [alias["stateMachineAliasArn"].rpartition(":")[2] for alias in aliases]

    assert (listed(MACHINE_ARN), listed(TWO)) == (["a", "b"], ["b"])
    for _ in range(2):
        versions.client.delete_state_machine_alias(stateMachineAliasArn=f"{MACHINE_ARN}:a")
    assert listed(MACHINE_ARN) == ["b"]


def test_version_of_an_alias_cannot_be_deleted(versions: World) -> None:
    versions.client.create_state_machine_alias(name="live", routingConfiguration=route(v1=100))
    error = error_of(versions.client.delete_state_machine_version, stateMachineVersionArn=ONE)
    assert error == (
        "ConflictException",
        "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this "
        "version: [live]",
    )


def test_alias_exists_once(versions: World) -> None:
    create_alias = versions.client.create_state_machine_alias
    for _ in range(2):
        create_alias(name="live", routingConfiguration=route(v1=100))
    assert error_of(create_alias, name="live", routingConfiguration=route(v2=100)) == (
        "ConflictException",
        "Failed to create alias because an alias with the same name and a different routing configuration "
        "already exists.",
    )


@pytest.mark.parametrize(
    ("routes", "code", "message"),
    [
        (
            [{"stateMachineVersionArn": MACHINE_ARN, "weight": 100}],
            "ValidationException",
            f"Routing configuration must contain state machine version ARNs. Received: [{MACHINE_ARN}]",
        ),
        (
            route(v1=50) * 2,
            "ValidationException",
            "Routing configuration must contain distinct state machine version ARNs. "
            f"Received: [{ONE}, {ONE}]",
        ),
        (
            route(v1=70, v2=29),
            "ValidationException",
            "Sum of routing configuration weights must equal 100. Received: [70, 29]",
        ),
        (route(v9=100), "ResourceNotFound", f"Resource not found: '{MACHINE_ARN}:9'"),
    ],
)
def test_invalid_routes_are_refused(versions: World, routes: Any, code: str, message: str) -> None:
    error = error_of(versions.client.create_state_machine_alias, name="live", routingConfiguration=routes)
    assert error == (code, message)


def test_name_of_an_alias_is_no_number(versions: World) -> None:
    error = error_of(
        versions.client.create_state_machine_alias, name="123", routingConfiguration=route(v1=100)
    )
    assert error[0] == "ValidationException"


def test_deleted_machine_has_no_versions(versions: World) -> None:
    versions.client.create_state_machine_alias(name="live", routingConfiguration=route(v1=100))
    versions.client.delete_state_machine(stateMachineArn=MACHINE_ARN)
    assert version_arns(versions) == []
    assert error_of(versions.client.start_execution, stateMachineArn=LIVE)[0] == "StateMachineDoesNotExist"
    create(versions, publish=True)
    assert version_arns(versions) == [ONE]

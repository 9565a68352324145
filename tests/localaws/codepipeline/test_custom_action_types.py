"""Custom action types are created, listed, tagged, declared in pipelines and deleted."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.codepipeline.fakes import World, stage
from tests.localaws.codepipeline.workers import (
    SUITE,
    TOKEN,
    TYPE_ARN,
    TYPE_ID,
    claim,
    config_property,
    custom_action,
    custom_type,
    poll,
)

DESCRIBED = config_property(
    "Suite",
    required=True,
    key=True,
    queryable=True,
    description="The suite to run.",
    type="String",
)
TEMPLATES = {
    "entityUrlTemplate": "https://checks.example/suites/{Config:Suite}",
    "executionUrlTemplate": "https://checks.example/suites/{Config:Suite}/runs/{ExternalExecutionId}",
    "revisionUrlTemplate": "https://checks.example/suites/{Config:Suite}/edit",
    "thirdPartyConfigurationUrl": "https://checks.example/sign-up",
}


def listed(world: World, **params: Any) -> list[dict[str, Any]]:
    return list(world.client.list_action_types(**params)["actionTypes"])


def delete(world: World) -> None:
    world.client.delete_custom_action_type(category="Test", provider="Checks", version="1")


def error_of(call: Any, *args: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(*args, **params)
    return f"{error.value.response['Error']['Code']}: {error.value.response['Error']['Message']}"


def test_type_is_created_and_listed(world: World) -> None:
    tags = [{"key": "team", "value": "checks"}]
    created = world.client.create_custom_action_type(
        **custom_type(DESCRIBED, TOKEN, settings=TEMPLATES, tags=tags)
    )

    (found,) = listed(world, actionOwnerFilter="Custom")
    assert found == {
        "id": TYPE_ID,
        "settings": TEMPLATES,
        "actionConfigurationProperties": [DESCRIBED, TOKEN],
        "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 2},
        "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
    }
    assert created["tags"] == tags
    properties = created["actionType"].pop("actionConfigurationProperties")
    assert [item["name"] for item in properties] == ["Suite", "Token", "JobList"]
    assert created["actionType"].items() <= found.items()


def test_property_job_list_is_added_once(world: World) -> None:
    created = world.client.create_custom_action_type(**custom_type(TOKEN, config_property("JobList")))
    properties = created["actionType"]["actionConfigurationProperties"]
    assert [item["name"] for item in properties] == ["Token", "JobList"]


def test_list_has_all_owners_without_a_filter_and_is_paged_and_filtered_by_region(world: World) -> None:
    for number in range(50):
        world.client.create_custom_action_type(**custom_type(version=str(number)))
    own = len(listed(world, actionOwnerFilter="AWS"))

    assert {item["id"]["owner"] for item in listed(world)} == {"AWS", "Custom"}
    assert len(listed(world)) == own + 50
    assert len(listed(world, regionFilter="us-east-1")) == own + 50
    assert len(listed(world, regionFilter="eu-west-1")) == own
    invalid = world.client.exceptions.InvalidNextTokenException
    with pytest.raises(invalid):
        listed(world, nextToken="none")
    assert error_of(world.client.create_custom_action_type, **custom_type(version="50")).startswith(
        "LimitExceededException"
    )
    world.client.delete_custom_action_type(category="Test", provider="Checks", version="7")
    world.client.create_custom_action_type(**custom_type(version="50"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (custom_type(category="Approval"), "Approval"),
        (custom_type(category="Compute"), "Compute"),
        (custom_type(category="Source"), "maximumCount must be 0"),
        (custom_type(SUITE, SUITE), "'Suite' is defined more than once"),
        (custom_type(*(config_property(f"P{number}") for number in range(11))), "configurationProperties"),
        (custom_type(config_property("Suite", queryable=True)), "must be required and not secret"),
        (
            custom_type(config_property("Suite", required=True, secret=True, queryable=True)),
            "must be required and not secret",
        ),
        (
            custom_type(*(config_property(name, required=True, queryable=True) for name in "AB")),
            "at most one queryable",
        ),
        (custom_type(inputArtifactDetails={"minimumCount": 2, "maximumCount": 1}), "inputArtifactDetails"),
        (custom_type(provider="no spaces"), "provider"),
        (custom_type(version="1234567890"), "version"),
    ],
)
def test_invalid_type_is_refused(world: World, parameters: dict[str, Any], message: str) -> None:
    text = error_of(world.client.create_custom_action_type, **parameters)
    assert text.startswith("ValidationException")
    assert message in text


def test_same_definition_can_be_created_again_and_restores_a_deleted_type(world: World) -> None:
    world.client.create_custom_action_type(**custom_type())
    world.client.create_custom_action_type(**custom_type())
    delete(world)
    assert listed(world, actionOwnerFilter="Custom") == []
    world.client.create_custom_action_type(**custom_type())
    assert poll(world) == []


@pytest.mark.parametrize("deleted", [False, True])
def test_version_of_another_definition_is_refused(world: World, *, deleted: bool) -> None:
    world.client.create_custom_action_type(**custom_type())
    if deleted:
        delete(world)
    text = error_of(world.client.create_custom_action_type, **custom_type(SUITE))
    assert text.startswith("ActionTypeAlreadyExistsException")
    assert ("was deleted" in text) is deleted
    world.client.create_custom_action_type(**custom_type(SUITE, version="2"))


def test_unknown_type_cannot_be_deleted(world: World) -> None:
    assert error_of(delete, world).startswith("ValidationException")


def test_type_is_tagged_by_its_arn(world: World) -> None:
    world.client.create_custom_action_type(**custom_type(tags=[{"key": "a", "value": "1"}]))
    world.client.tag_resource(resourceArn=TYPE_ARN, tags=[{"key": "b", "value": "2"}])
    world.client.untag_resource(resourceArn=TYPE_ARN, tagKeys=["a"])
    tags = world.client.list_tags_for_resource(resourceArn=TYPE_ARN)["tags"]
    assert tags == [{"key": "b", "value": "2"}]
    delete(world)
    text = error_of(world.client.list_tags_for_resource, resourceArn=TYPE_ARN)
    assert text.startswith("ResourceNotFoundException")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"configuration": {}}, "missing required configuration 'Suite'"),
        ({"configuration": {"Suite": "a", "Sweet": "b"}}, "unknown configuration 'Sweet'"),
        ({"configuration": {"Suite": "x" * 21}}, "at most 20 alphanumeric"),
        ({"configuration": {"Suite": "a/b"}}, "at most 20 alphanumeric"),
        ({"configuration": {"Suite": "a", "Runs": "many"}}, "'Runs': it must be a Number"),
        ({"configuration": {"Suite": "a", "Dry": "yes"}}, "'Dry': it must be a Boolean"),
        ({"outputArtifacts": [{"name": "A"}, {"name": "B"}]}, "2 output artifacts"),
        ({"actionTypeId": {**TYPE_ID, "version": "2"}}, "is not available in region"),
    ],
)
def test_pipeline_with_an_invalid_custom_action_is_refused(
    world: World, changes: dict[str, Any], message: str
) -> None:
    properties = (DESCRIBED, config_property("Runs", type="Number"), config_property("Dry", type="Boolean"))
    world.client.create_custom_action_type(**custom_type(*properties))
    text = error_of(world.create, stage("Deploy", custom_action(**changes)))
    assert text.startswith("InvalidActionDeclarationException")
    assert message in text


@pytest.mark.parametrize("runs", ["3", "-1.5", "#{variables.Runs}"])
def test_values_of_the_type_and_variables_are_accepted(world: World, runs: str) -> None:
    world.client.create_custom_action_type(**custom_type(SUITE, config_property("Runs", type="Number")))
    configuration = {"Suite": "smoke", "Runs": runs, "JobList": "all"}
    world.create(
        stage("Deploy", custom_action(configuration=configuration)),
        variables=[{"name": "Runs", "defaultValue": "3"}],
    )


def test_deleted_type_cannot_be_declared_any_more(world: World) -> None:
    world.client.create_custom_action_type(**custom_type())
    world.create(stage("Deploy", custom_action()))
    delete(world)
    declared = world.client.get_pipeline(name="app")["pipeline"]
    text = error_of(world.client.update_pipeline, pipeline=declared)
    assert "is not available" in text
    world.client.get_pipeline_state(name="app")


def test_urls_are_those_of_the_templates(world: World) -> None:
    world.client.create_custom_action_type(**custom_type(SUITE, TOKEN, settings=TEMPLATES))
    world.create(stage("Deploy", custom_action()))
    execution_id = world.start()
    world.clock.advance(1)
    (state,) = world.stage("Deploy")["actionStates"]
    assert state["entityUrl"] == "https://checks.example/suites/smoke"
    assert state["revisionUrl"] == "https://checks.example/suites/smoke/edit"
    assert "externalExecutionUrl" not in state["latestExecution"]

    job = claim(world)
    world.succeed(job, continuationToken="t", executionDetails={"externalExecutionId": "7"})
    url = "https://checks.example/suites/smoke/runs/7"
    assert world.latest()["externalExecutionUrl"] == url
    world.clock.advance(1)
    world.fail(claim(world))

    (action,) = [item for item in world.actions(execution_id) if item["actionName"] == "Deploy"]
    assert action["output"]["executionResult"]["externalExecutionUrl"] == url
    assert action["output"]["executionResult"]["externalExecutionId"] == "7"
    (event,) = [
        item for item in world.events if item.detail.get("state") == "FAILED" and "action" in item.detail
    ]
    assert event.detail["execution-result"]["external-execution-url"] == url


@pytest.mark.parametrize(
    ("template", "url"),
    [
        (
            "https://console.aws.amazon.com/states/home#/v2/executions/details/{ExternalExecutionId}",
            "http://127.0.0.1:4600/executions/arn:aws:states:us-east-1:000000000000:execution:a:b",
        ),
        (
            "https://checks.example/{ExternalExecutionId}",
            "https://checks.example/arn:aws:states:us-east-1:000000000000:execution:a:b",
        ),
    ],
)
def test_execution_url_leads_to_the_console_of_the_local_aws(
    world: World, monkeypatch: pytest.MonkeyPatch, template: str, url: str
) -> None:
    monkeypatch.setenv("STEPLINE_CONSOLE_URL", "http://127.0.0.1:4600/")
    settings = {"executionUrlTemplate": template}
    world.client.create_custom_action_type(**custom_type(SUITE, settings=settings))
    world.create(stage("Deploy", custom_action()))
    world.start()
    world.clock.advance(1)
    arn = "arn:aws:states:us-east-1:000000000000:execution:a:b"
    world.succeed(claim(world), continuationToken="t", executionDetails={"externalExecutionId": arn})
    assert world.latest()["externalExecutionUrl"] == url


def test_execution_url_without_external_id_is_known_from_the_start(world: World) -> None:
    settings = {"executionUrlTemplate": "https://checks.example/{Config:Suite}"}
    world.client.create_custom_action_type(**custom_type(SUITE, settings=settings))
    world.create(stage("Deploy", custom_action()))
    world.start()
    world.clock.advance(1)
    assert world.latest()["externalExecutionUrl"] == "https://checks.example/smoke"


def test_only_required_properties_without_secrets_are_inserted_into_urls(world: World) -> None:
    """The examples of AWS refer to properties that the type does not define."""
    settings = {
        "entityUrlTemplate": "https://x.example/{Config:Suite}/{Config:Token}/{Config:Note}/{Config:No}"
    }
    properties = (SUITE, config_property("Token", required=True, secret=True), config_property("Note"))
    world.client.create_custom_action_type(**custom_type(*properties, settings=settings))
    configuration = {"Suite": "smoke", "Token": "hush", "Note": "x"}
    world.create(stage("Deploy", custom_action(configuration=configuration)))
    (state,) = world.stage("Deploy")["actionStates"]
    assert state["entityUrl"] == "https://x.example/smoke/{Config:Token}/{Config:Note}/{Config:No}"

"""Pipelines that are refused; a case is an entry of `invalid_pipelines.INVALID`."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stepline.localaws.protocol import in_process_client
from tests.localaws.codepipeline.fakes import ROLE_ARN, World, lambda_action, pipeline, stage
from tests.localaws.codepipeline.invalid_pipelines import INVALID


@pytest.mark.parametrize(("code", "message", "declaration"), INVALID.values(), ids=INVALID)
def test_invalid_pipeline_is_refused(
    world: World, code: str, message: str, declaration: dict[str, Any]
) -> None:
    client = in_process_client(world.service, config=Config(parameter_validation=False))

    with pytest.raises(ClientError) as caught:
        client.create_pipeline(pipeline=declaration)

    assert caught.value.response["Error"]["Code"] == code
    assert message in caught.value.response["Error"]["Message"]
    assert world.client.list_pipelines()["pipelines"] == []


def test_update_is_validated_like_a_creation(world: World) -> None:
    world.create()
    with pytest.raises(world.client.exceptions.InvalidStructureException):
        world.client.update_pipeline(pipeline={**pipeline(), "stages": pipeline()["stages"][:1]})
    assert world.client.get_pipeline(name="app")["pipeline"]["version"] == 1


def test_artifact_stores_by_region_are_accepted(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    document = pipeline()
    document["artifactStores"] = {"us-east-1": document.pop("artifactStore")}
    world.client.create_pipeline(pipeline=document)

    assert world.status(world.run()) == "Succeeded"


def test_role_that_cannot_be_assumed_is_refused(world: World) -> None:
    world.untrusting_roles.add(ROLE_ARN)
    with pytest.raises(world.client.exceptions.InvalidStructureException) as caught:
        world.create()
    assert f"CodePipeline is not authorized to perform AssumeRole on role {ROLE_ARN}" in str(caught.value)


def test_role_of_an_action_that_the_role_of_the_pipeline_cannot_assume_is_refused(world: World) -> None:
    world.create()
    own_role = "arn:aws:iam::000000000000:role/deploy"
    world.untrusting_roles.add(own_role)
    with pytest.raises(world.client.exceptions.InvalidStructureException) as caught:
        world.client.update_pipeline(pipeline=pipeline(stage("Deploy", lambda_action(roleArn=own_role))))
    assert f"{ROLE_ARN} is not authorized to perform AssumeRole on role {own_role}" in str(caught.value)

"""Pipelines that are refused; a case is an entry of `invalid_pipelines.INVALID`."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stepline.localaws.protocol import in_process_client
from tests.localaws.codepipeline.fakes import World, pipeline
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

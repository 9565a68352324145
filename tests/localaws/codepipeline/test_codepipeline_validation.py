"""Pipelines that are refused: one file per case in `invalid_pipelines/`.

A case is {"error": exception, "message": part of its text, "pipeline": the declaration}.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stepline.localaws.protocol import in_process_client
from tests.localaws.codepipeline.fakes import World, pipeline

CASES = sorted((Path(__file__).parent / "invalid_pipelines").glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_it_is_refused(world: World, path: Path) -> None:
    case = json.loads(path.read_text())
    client = in_process_client(world.service, config=Config(parameter_validation=False))

    with pytest.raises(ClientError) as caught:
        client.create_pipeline(pipeline=case["pipeline"])

    assert caught.value.response["Error"]["Code"] == case["error"]
    assert case["message"] in caught.value.response["Error"]["Message"]
    assert world.client.list_pipelines()["pipelines"] == []


def test_an_update_is_checked_like_a_creation(world: World) -> None:
    world.create()
    with pytest.raises(world.client.exceptions.InvalidStructureException):
        world.client.update_pipeline(pipeline={**pipeline(), "stages": pipeline()["stages"][:1]})
    assert world.client.get_pipeline(name="app")["pipeline"]["version"] == 1


def test_a_store_for_each_region(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    document = pipeline()
    document["artifactStores"] = {"us-east-1": document.pop("artifactStore")}
    world.client.create_pipeline(pipeline=document)

    assert world.status(world.run()) == "Succeeded"

"""The events of the trigger for `sam local invoke`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.job_event import parse_job
from tests.pipeline.world import EVENTS, World

FILES = sorted(EVENTS.glob("*.json"))
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:stepline-deploy"
NOW = 1_790_000_100

RESULTS = {
    "continuation": "PutJobSuccessResult",
    "first_job_input_s3": "PutJobSuccessResult",
    "first_job_unknown_key": "PutJobFailureResult",
}


@pytest.fixture
def local_world(world: World) -> World:
    world.now = NOW
    world.stepfunctions.machines[MACHINE] = "STANDARD"
    world.configure(STATE_MACHINE_ARN=MACHINE)
    document = b'{"environmentName": "test"}'
    bucket = "stepline-artifacts-000000000000-us-east-1"
    world.put_artifact({"state_machine_input.json": document, "config/state_machine_input.json": document})
    ((_, archive),) = world.s3.objects.items()
    world.s3.put(bucket, "stepline/SourceOutp/Yn3kLq7", archive)
    world.s3.put("stepline-inputs", "state_machine_input.json", document)
    return world


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_event_has_the_expected_result(local_world: World, path: Path) -> None:
    event = load(path)
    assert (parse_job(event).continuation_token is None) == path.stem.startswith("first_job")
    if path.stem == "continuation":
        local_world.deliver(load(EVENTS / "first_job.json"))
    local_world.send(event)
    assert local_world.calls[-1] == RESULTS.get(path.stem, "PutJobSuccessResult")


def test_events_have_the_members_of_a_codepipeline_job() -> None:
    for path in FILES:
        job = load(path)["CodePipeline.job"]
        assert set(job) == {"id", "accountId", "data"}
        assert set(job["data"]) >= {
            "actionConfiguration",
            "inputArtifacts",
            "outputArtifacts",
            "artifactCredentials",
        }
        assert set(job["data"]) <= {
            "actionConfiguration",
            "inputArtifacts",
            "outputArtifacts",
            "artifactCredentials",
            "continuationToken",
            "encryptionKey",
        }

"""Responses of S3 that end too early are transient errors."""

from __future__ import annotations

import pytest

from tests.pipeline.world import ARTIFACT_BUCKET, EXPRESS, World


@pytest.mark.parametrize(
    "user_parameters",
    [None, {"inputS3": f"s3://{ARTIFACT_BUCKET}/input.json"}],
    ids=["artifact", "inputS3"],
)
def test_truncated_input_is_read_again_by_the_next_job(world: World, user_parameters: object) -> None:
    world.s3.put(ARTIFACT_BUCKET, "input.json", b'{"environmentName": "test"}')
    event = world.first_job(user_parameters)
    world.s3.cut_short = 1
    assert "could not be read" in world.send(event)["executionDetails"]["summary"]
    following = world.next_job(event)
    assert "Started" in world.send(following)["executionDetails"]["summary"]
    assert world.execution.input


def test_truncated_claim_continues_the_job_without_a_second_start(world: World) -> None:
    world.configure_express()
    event = world.first_job({"input": {}, "stateMachine": EXPRESS})
    world.send(event)
    redelivered = world.first_job(
        {"input": {}, "stateMachine": EXPRESS}, job_id=event["CodePipeline.job"]["id"]
    )
    world.codepipeline.results.clear()
    world.s3.cut_short = 1
    assert "could not be called" in world.send(redelivered)["executionDetails"]["summary"]
    assert world.calls.count("StartSyncExecution") == 1

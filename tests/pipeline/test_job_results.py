"""Job results that CodePipeline does not accept."""

from __future__ import annotations

import pytest

from pipeline.errors import JobResultError
from tests.pipeline.world import World


def test_denied_continuation_fails_the_job_and_names_the_permission(world: World) -> None:
    world.codepipeline.fail_next("PutJobSuccessResult", "AccessDeniedException", times=9)
    failure = world.send(world.first_job())["failureDetails"]
    assert failure["type"] == "PermissionError"
    assert "codepipeline:PutJobSuccessResult" in failure["message"]
    assert "may still run" in failure["message"]
    assert failure["externalExecutionId"] == world.execution.arn


def test_denied_success_fails_the_job_and_reports_that_the_execution_succeeded(world: World) -> None:
    following, execution = world.start_execution()
    execution.succeed()
    world.codepipeline.fail_next("PutJobSuccessResult", "AccessDeniedException", times=9)
    failure = world.send(following)["failureDetails"]
    assert failure["type"] == "PermissionError"
    assert failure["message"].startswith("The execution succeeded, but: ")


def test_throttled_result_is_left_to_the_redelivery(world: World) -> None:
    world.codepipeline.fail_next("PutJobSuccessResult", "ThrottlingException", times=9)
    with pytest.raises(JobResultError):
        world.send(world.first_job())
    assert "PutJobFailureResult" not in world.calls


def test_denied_failure_is_left_to_the_redelivery(world: World) -> None:
    world.codepipeline.fail_next("PutJobFailureResult", "AccessDeniedException", times=9)
    with pytest.raises(JobResultError):
        world.send(world.first_job({"unknown": 1}))

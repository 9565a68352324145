"""What happens when CodePipeline does not take an answer."""

from __future__ import annotations

import pytest

from pipeline.errors import JobResultError
from tests.pipeline.world import World


def test_a_continuation_that_may_not_be_answered_fails_at_once_and_names_the_permission(world: World) -> None:
    world.codepipeline.fail_next("PutJobSuccessResult", "AccessDeniedException", times=9)
    failure = world.send(world.first_job())["failureDetails"]
    assert failure["type"] == "PermissionError"
    assert "codepipeline:PutJobSuccessResult" in failure["message"]
    assert "may still run" in failure["message"]
    assert failure["externalExecutionId"] == world.execution.arn


def test_a_success_that_may_not_be_answered_fails_at_once_and_says_that_it_was_one(world: World) -> None:
    following, execution = world.started()
    execution.succeed()
    world.codepipeline.fail_next("PutJobSuccessResult", "AccessDeniedException", times=9)
    failure = world.send(following)["failureDetails"]
    assert failure["type"] == "PermissionError"
    assert failure["message"].startswith("The execution succeeded, but: ")


def test_a_throttled_answer_is_left_to_the_next_delivery(world: World) -> None:
    world.codepipeline.fail_next("PutJobSuccessResult", "ThrottlingException", times=9)
    with pytest.raises(JobResultError):
        world.send(world.first_job())
    assert "PutJobFailureResult" not in world.codepipeline.called


def test_a_failure_that_may_not_be_answered_is_left_to_the_next_delivery(world: World) -> None:
    world.codepipeline.fail_next("PutJobFailureResult", "AccessDeniedException", times=9)
    with pytest.raises(JobResultError):
        world.send(world.first_job({"unknown": 1}))

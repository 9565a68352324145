"""The job contract: results, continuations, retries of the event, time-outs."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from stepline.localaws.codepipeline import Settings
from tests.fakes.sts import SECRETS
from tests.localaws.codepipeline.fakes import Job, World, client_error, stage
from tests.localaws.codepipeline.fakes import lambda_action as action

UNKNOWN_JOB = "00000000-0000-4000-8000-000000000000"
LIMIT_BYTES = 122_880


def no_result(job: Job) -> None:
    """A function that leaves its job open."""


def test_action_may_continue_for_24_hours_at_most() -> None:
    world = World(Settings(start_on_create=False, continuation_seconds=600))
    world.lambda_.functions["trigger"] = lambda job: world.succeed(job, continuationToken="more")
    world.create()

    execution_id = world.start()
    world.clock.advance(timedelta(hours=23, minutes=59).total_seconds())
    assert world.status(execution_id) == "InProgress"
    world.clock.advance(60)

    assert world.status(execution_id) == "Failed"
    assert "1440 minutes" in world.latest()["errorDetails"]["message"]
    count = len(world.lambda_.jobs)
    assert count == 24 * 6
    assert len({job["id"] for job in world.lambda_.jobs}) == count
    world.clock.advance(timedelta(days=1).total_seconds())
    assert len(world.lambda_.jobs) == count


def test_job_without_a_result_times_out_after_20_minutes(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create()

    execution_id = world.start()
    world.clock.advance(20 * 60 - 1)
    assert world.status(execution_id) == "InProgress"
    world.clock.advance(1)

    assert world.status(execution_id) == "Failed"
    assert "failed to return a result" in world.latest()["errorDetails"]["message"]
    with pytest.raises(world.client.exceptions.InvalidJobStateException):
        world.succeed(world.lambda_.jobs[0])


def test_continuation_restarts_the_20_minutes(world: World) -> None:
    def put_late_result(job: Job) -> None:
        token = str(int(job["data"].get("continuationToken", "0")) + 1)
        params = {"continuationToken": token} if token != "4" else {}
        world.clock.call_later(19 * 60, lambda: world.succeed(job, **params))

    world.lambda_.functions["trigger"] = put_late_result
    world.create()

    execution_id = world.run()

    assert world.status(execution_id) == "Succeeded"
    assert len(world.lambda_.jobs) == 4
    assert world.lambda_.times[-1] - world.lambda_.times[0] > timedelta(minutes=57)


def test_event_is_sent_again_after_an_error_of_the_function(world: World) -> None:
    def crash(job: Job) -> None:
        raise RuntimeError

    world.lambda_.functions["trigger"] = crash
    world.create()

    world.start()
    world.clock.advance(1199)

    first, second, third = world.lambda_.events
    assert first == second == third
    start = world.lambda_.times[0]
    assert [(time - start).total_seconds() for time in world.lambda_.times] == [0, 60, 180]
    assert world.latest()["status"] == "InProgress"
    assert world.dropped == ["trigger"]
    world.clock.run()
    assert world.latest()["status"] == "Failed"
    assert len(world.lambda_.events) == 3


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({"MaximumRetryAttempts": 0}, [0]),
        ({"MaximumRetryAttempts": 1}, [0, 60]),
        ({"MaximumEventAgeInSeconds": 60}, [0, 60]),
        ({"MaximumEventAgeInSeconds": 179}, [0, 60]),
        ({"MaximumEventAgeInSeconds": 180}, [0, 60, 180]),
    ],
)
def test_retries_and_age_of_events_are_those_of_the_function(
    world: World, config: dict[str, int], seconds: list[int]
) -> None:
    def crash(job: Job) -> None:
        raise RuntimeError

    world.lambda_.functions["trigger"] = crash
    world.lambda_.invoke_config = config
    world.create()
    world.run()
    start = world.lambda_.times[0]
    assert [(time - start).total_seconds() for time in world.lambda_.times] == seconds
    assert world.dropped == ["trigger"]


def test_retried_function_can_still_succeed(world: World) -> None:
    def crash_once(job: Job) -> None:
        if len(world.lambda_.events) == 1:
            raise RuntimeError
        world.succeed(job)

    world.lambda_.functions["trigger"] = crash_once
    world.create()

    assert world.status(world.run()) == "Succeeded"
    assert world.dropped == []


def test_event_is_sent_again_even_if_its_job_has_a_result(world: World) -> None:
    refused = []

    def put_result_and_crash(job: Job) -> None:
        try:
            world.succeed(job)
        except world.client.exceptions.InvalidJobStateException as error:
            refused.append(error)
        raise RuntimeError

    world.lambda_.functions["trigger"] = put_result_and_crash
    world.create()

    assert world.status(world.run()) == "Succeeded"
    assert len(world.lambda_.events) == 3
    assert len(refused) == 2


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException"])
def test_event_is_delayed_by_throttles_and_errors_of_lambda(world: World, code: str) -> None:
    def fail_three_times(job: Job) -> None:
        if len(world.lambda_.events) < 4:
            raise client_error(code, "Invoke", status=500 if code == "ServiceException" else 429)
        world.succeed(job)

    world.lambda_.functions["trigger"] = fail_three_times
    world.create()

    assert world.status(world.run()) == "Succeeded"
    assert len({event["CodePipeline.job"]["id"] for event in world.lambda_.events}) == 1


def test_open_job_takes_one_result_from_any_caller(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create()
    execution_id = world.start()
    world.clock.advance(600)
    (job,) = world.lambda_.jobs

    world.succeed(job)

    world.clock.advance(0)
    assert world.status(execution_id) == "Succeeded"
    with pytest.raises(world.client.exceptions.InvalidJobStateException):
        world.succeed(job)
    with pytest.raises(world.client.exceptions.InvalidJobStateException):
        world.fail(job)


def test_continued_job_is_closed(world: World) -> None:
    world.lambda_.functions["trigger"] = lambda job: world.succeed(job, continuationToken="more")
    world.create()
    world.start()
    world.clock.advance(10)

    for job in world.lambda_.jobs:
        with pytest.raises(world.client.exceptions.InvalidJobStateException):
            world.succeed(job)


def test_unknown_job_is_refused(world: World) -> None:
    with pytest.raises(world.client.exceptions.JobNotFoundException):
        world.client.put_job_success_result(jobId=UNKNOWN_JOB)
    with pytest.raises(world.client.exceptions.JobNotFoundException):
        world.client.get_job_details(jobId=UNKNOWN_JOB)
    with pytest.raises(world.client.exceptions.ClientError, match="ValidationException"):
        world.client.put_job_success_result(jobId="1")


def test_output_variables_with_a_token_are_refused_and_the_job_stays_open(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create()
    execution_id = world.start()
    world.clock.advance(0)
    (job,) = world.lambda_.jobs

    with pytest.raises(world.client.exceptions.ClientError, match="ValidationException"):
        world.succeed(job, continuationToken="more", outputVariables={"A": "b"})

    world.succeed(job)
    assert world.status(execution_id) == "Succeeded"


def test_output_variables_beyond_122880_bytes_are_refused(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create()
    execution_id = world.start()
    world.clock.advance(0)
    (job,) = world.lambda_.jobs

    with pytest.raises(world.client.exceptions.OutputVariablesSizeExceededException):
        world.succeed(job, outputVariables={"A": "é" * (LIMIT_BYTES // 2)})

    world.succeed(job, outputVariables={"AA": "é" * (LIMIT_BYTES // 2 - 1)})
    assert world.status(execution_id) == "Succeeded"


@pytest.mark.parametrize("name", ["with space", "a.b", "a/b", "ä"])
def test_invalid_name_of_an_output_variable_is_refused(world: World, name: str) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create()
    world.start()
    world.clock.advance(0)

    with pytest.raises(world.client.exceptions.ClientError, match="ValidationException"):
        world.succeed(world.lambda_.jobs[0], outputVariables={name: "x"})


def test_reported_progress_is_shown_while_the_action_runs(world: World) -> None:
    details = {"summary": "Create Stack", "externalExecutionId": "arn:e", "percentComplete": 40}
    revision = {"revision": "r1", "changeIdentifier": "c1"}
    world.lambda_.functions["trigger"] = lambda job: world.succeed(
        job, continuationToken="more", executionDetails=details, currentRevision=revision
    )
    world.create()
    execution_id = world.start()
    world.clock.advance(5)

    latest = world.latest()
    assert latest["status"] == "InProgress"
    assert (latest["summary"], latest["externalExecutionId"]) == ("Create Stack", "arn:e")
    assert latest["percentComplete"] == 40
    assert world.stage("Deploy")["actionStates"][0]["currentRevision"]["revisionId"] == "r1"
    result = world.actions(execution_id)[0]["output"]["executionResult"]
    assert (result["externalExecutionId"], result["externalExecutionSummary"]) == ("arn:e", "Create Stack")


def test_job_details_have_the_pipeline_context(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create(stage("Deploy", action(configuration={"UserParameters": "x"})))
    execution_id = world.start()
    world.clock.advance(0)
    (job,) = world.lambda_.jobs

    details = world.client.get_job_details(jobId=job["id"])["jobDetails"]

    context = details["data"]["pipelineContext"]
    assert details["id"] == job["id"]
    assert context["pipelineName"] == "app"
    assert context["pipelineExecutionId"] == execution_id
    assert (context["stage"]["name"], context["action"]["name"]) == ("Deploy", "Deploy")
    assert details["data"]["artifactCredentials"]["accessKeyId"] == "ASIA1"
    world.succeed(job)
    closed = world.client.get_job_details(jobId=job["id"])["jobDetails"]
    assert "artifactCredentials" not in closed["data"]


@pytest.mark.parametrize(
    ("code", "expected"), [("AccessDenied", "PermissionError"), ("InternalFailure", "SystemUnavailable")]
)
def test_role_that_cannot_be_assumed_fails_the_action(world: World, code: str, expected: str) -> None:
    world.sts.fail_next("AssumeRole", code, status=403)
    world.create()

    execution_id = world.run()

    assert world.status(execution_id) == "Failed"
    assert world.latest()["errorDetails"]["code"] == expected
    assert "role/pipeline" in world.latest()["errorDetails"]["message"]


def test_credentials_are_not_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def deny(job: Job) -> None:
        raise client_error("AccessDeniedException", "Invoke")

    caplog.set_level(logging.DEBUG, logger="stepline")
    world.lambda_.functions["trigger"] = deny
    world.create()
    world.run()

    assert not any(secret in caplog.text for secret in SECRETS)


def test_job_of_a_deleted_pipeline_does_not_exist(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create()
    world.start()
    world.clock.advance(0)

    world.client.delete_pipeline(name="app")

    with pytest.raises(world.client.exceptions.JobNotFoundException):
        world.succeed(world.lambda_.jobs[0])
    world.clock.run()


def test_unexpected_error_of_a_client_fails_the_action(world: World) -> None:
    world.lambda_.functions["trigger"] = lambda job: world.succeed(job, continuationToken="more")
    world.create()
    execution_id = world.start()
    world.clock.advance(3)

    world.sts.raise_next("AssumeRole", RuntimeError("a bug"))
    world.clock.advance(3)

    assert world.status(execution_id) == "Failed"
    assert world.latest()["errorDetails"]["code"] == "SystemUnavailable"

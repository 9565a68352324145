"""The job contract: who may answer when, what is repeated, what times out."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from stepline.localaws.codepipeline import Settings
from tests.localaws.codepipeline.fakes import Job, World, client_error, stage
from tests.localaws.codepipeline.fakes import lambda_action as action

UNKNOWN_JOB = "00000000-0000-4000-8000-000000000000"
LIMIT_BYTES = 122_880


def silent(job: Job) -> None:
    """A function that returns without an answer."""


def test_an_action_may_continue_for_24_hours_and_not_longer() -> None:
    world = World(Settings(start_on_create=False, continuation_seconds=600))
    world.lambda_.functions["trigger"] = lambda job: world.succeed(job, continuationToken="more")
    world.create()

    execution_id = world.start()
    world.clock.advance(timedelta(hours=23, minutes=59).total_seconds())
    assert world.status(execution_id) == "InProgress"
    world.clock.advance(60)

    assert world.status(execution_id) == "Failed"
    assert "1440 minutes" in world.latest()["errorDetails"]["message"]
    runs = len(world.lambda_.jobs)
    assert runs == 24 * 6
    assert len({job["id"] for job in world.lambda_.jobs}) == runs
    world.clock.advance(timedelta(days=1).total_seconds())
    assert len(world.lambda_.jobs) == runs


def test_a_job_without_an_answer_times_out_after_20_minutes(world: World) -> None:
    world.lambda_.functions["trigger"] = silent
    world.create()

    execution_id = world.start()
    world.clock.advance(20 * 60 - 1)
    assert world.status(execution_id) == "InProgress"
    world.clock.advance(1)

    assert world.status(execution_id) == "Failed"
    assert "failed to return a result" in world.latest()["errorDetails"]["message"]
    with pytest.raises(world.client.exceptions.InvalidJobStateException):
        world.succeed(world.lambda_.jobs[0])


def test_each_continuation_restarts_the_20_minutes(world: World) -> None:
    def answer_late(job: Job) -> None:
        token = str(int(job["data"].get("continuationToken", "0")) + 1)
        answer = {"continuationToken": token} if token != "4" else {}
        world.clock.call_later(19 * 60, lambda: world.succeed(job, **answer))

    world.lambda_.functions["trigger"] = answer_late
    world.create()

    execution_id = world.run()

    assert world.status(execution_id) == "Succeeded"
    assert len(world.lambda_.jobs) == 4
    assert world.lambda_.at[-1] - world.lambda_.at[0] > timedelta(minutes=57)


def test_the_same_event_comes_again_after_an_error_of_the_function(world: World) -> None:
    def crash(job: Job) -> None:
        raise RuntimeError

    world.lambda_.functions["trigger"] = crash
    world.create()

    world.start()
    world.clock.advance(1199)

    first, second, third = world.lambda_.events
    assert first == second == third
    start = world.lambda_.at[0]
    assert [(at - start).total_seconds() for at in world.lambda_.at] == [0, 60, 180]
    assert world.latest()["status"] == "InProgress"
    world.clock.run()
    assert world.latest()["status"] == "Failed"
    assert len(world.lambda_.events) == 3


def test_a_function_that_recovers_is_in_time(world: World) -> None:
    def crash_once(job: Job) -> None:
        if len(world.lambda_.events) == 1:
            raise RuntimeError
        world.succeed(job)

    world.lambda_.functions["trigger"] = crash_once
    world.create()

    assert world.status(world.run()) == "Succeeded"


def test_an_error_after_the_answer_repeats_the_event_all_the_same(world: World) -> None:
    refused = []

    def answer_and_crash(job: Job) -> None:
        try:
            world.succeed(job)
        except world.client.exceptions.InvalidJobStateException as error:
            refused.append(error)
        raise RuntimeError

    world.lambda_.functions["trigger"] = answer_and_crash
    world.create()

    assert world.status(world.run()) == "Succeeded"
    assert len(world.lambda_.events) == 3
    assert len(refused) == 2


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException"])
def test_lambdas_own_trouble_delays_the_event(world: World, code: str) -> None:
    def trouble(job: Job) -> None:
        if len(world.lambda_.events) < 4:
            raise client_error(code, "Invoke", status=500 if code == "ServiceException" else 429)
        world.succeed(job)

    world.lambda_.functions["trigger"] = trouble
    world.create()

    assert world.status(world.run()) == "Succeeded"
    assert len({event["CodePipeline.job"]["id"] for event in world.lambda_.events}) == 1


def test_anyone_may_answer_an_open_job_once(world: World) -> None:
    world.lambda_.functions["trigger"] = silent
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


def test_the_job_before_a_continuation_is_closed(world: World) -> None:
    world.lambda_.functions["trigger"] = lambda job: world.succeed(job, continuationToken="more")
    world.create()
    world.start()
    world.clock.advance(10)

    for job in world.lambda_.jobs:
        with pytest.raises(world.client.exceptions.InvalidJobStateException):
            world.succeed(job)


def test_an_unknown_job(world: World) -> None:
    with pytest.raises(world.client.exceptions.JobNotFoundException):
        world.client.put_job_success_result(jobId=UNKNOWN_JOB)
    with pytest.raises(world.client.exceptions.JobNotFoundException):
        world.client.get_job_details(jobId=UNKNOWN_JOB)
    with pytest.raises(world.client.exceptions.ClientError, match="ValidationException"):
        world.client.put_job_success_result(jobId="1")


def test_output_variables_and_a_token_together_are_refused_and_the_job_stays_open(world: World) -> None:
    world.lambda_.functions["trigger"] = silent
    world.create()
    execution_id = world.start()
    world.clock.advance(0)
    (job,) = world.lambda_.jobs

    with pytest.raises(world.client.exceptions.ClientError, match="ValidationException"):
        world.succeed(job, continuationToken="more", outputVariables={"A": "b"})

    world.succeed(job)
    assert world.status(execution_id) == "Succeeded"


def test_output_variables_have_122880_bytes_at_most(world: World) -> None:
    world.lambda_.functions["trigger"] = silent
    world.create()
    execution_id = world.start()
    world.clock.advance(0)
    (job,) = world.lambda_.jobs

    with pytest.raises(world.client.exceptions.OutputVariablesSizeExceededException):
        world.succeed(job, outputVariables={"A": "é" * (LIMIT_BYTES // 2)})

    world.succeed(job, outputVariables={"AA": "é" * (LIMIT_BYTES // 2 - 1)})
    assert world.status(execution_id) == "Succeeded"


@pytest.mark.parametrize("name", ["with space", "a.b", "a/b", "ä"])
def test_names_of_output_variables(world: World, name: str) -> None:
    world.lambda_.functions["trigger"] = silent
    world.create()
    world.start()
    world.clock.advance(0)

    with pytest.raises(world.client.exceptions.ClientError, match="ValidationException"):
        world.succeed(world.lambda_.jobs[0], outputVariables={name: "x"})


def test_progress_is_shown_while_the_action_runs(world: World) -> None:
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


def test_job_details_tell_the_context_that_the_event_lacks(world: World) -> None:
    world.lambda_.functions["trigger"] = silent
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
def test_a_role_that_cannot_be_assumed(world: World, code: str, expected: str) -> None:
    world.sts.error = client_error(code, "AssumeRole", "not authorized to perform: sts:AssumeRole")
    world.create()

    execution_id = world.run()

    assert world.status(execution_id) == "Failed"
    assert world.latest()["errorDetails"]["code"] == expected
    assert "role/pipeline" in world.latest()["errorDetails"]["message"]


def test_nothing_secret_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def break_down(job: Job) -> None:
        raise client_error("AccessDeniedException", "Invoke")

    caplog.set_level(logging.DEBUG, logger="stepline")
    world.lambda_.functions["trigger"] = break_down
    world.create()
    world.run()

    assert "secret-of-the-session" not in caplog.text
    assert "token-of-the-session" not in caplog.text


def test_a_job_of_a_deleted_pipeline_is_gone(world: World) -> None:
    world.lambda_.functions["trigger"] = silent
    world.create()
    world.start()
    world.clock.advance(0)

    world.client.delete_pipeline(name="app")

    with pytest.raises(world.client.exceptions.JobNotFoundException):
        world.succeed(world.lambda_.jobs[0])
    world.clock.run()


def test_a_client_that_breaks_down_does_not_leave_the_action_hanging(world: World) -> None:
    world.lambda_.functions["trigger"] = lambda job: world.succeed(job, continuationToken="more")
    world.create()
    execution_id = world.start()
    world.clock.advance(3)

    world.sts.assume_role = None  # type: ignore[assignment,method-assign]
    world.clock.advance(3)

    assert world.status(execution_id) == "Failed"
    assert world.latest()["errorDetails"]["code"] == "SystemUnavailable"

"""Stopping, retrying, approving; actions in parallel."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from stepline.localaws.codepipeline import Settings
from tests.localaws.codepipeline.fakes import (
    Job,
    World,
    approval_action,
    client_error,
    lambda_action,
    stage,
)

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def no_result(job: Job) -> None:
    """A function that leaves its job open."""


def stop(world: World, execution_id: str, **params: object) -> None:
    world.client.stop_pipeline_execution(pipelineName="app", pipelineExecutionId=execution_id, **params)


def retry(world: World, execution_id: str, mode: str = "FAILED_ACTIONS", stage_name: str = "Deploy") -> None:
    world.client.retry_stage_execution(
        pipelineName="app", stageName=stage_name, pipelineExecutionId=execution_id, retryMode=mode
    )


# --- stop -----------------------------------------------------------------------------------------


def test_stop_waits_for_the_action_in_progress(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create(stage("Deploy", lambda_action(), lambda_action("Second", runOrder=2)))
    execution_id = world.start()
    world.clock.advance(1)

    stop(world, execution_id, reason="Wrong branch")

    assert world.status(execution_id) == "Stopping"
    assert world.stage("Deploy")["latestExecution"]["status"] == "Stopping"
    with pytest.raises(world.client.exceptions.DuplicatedStopRequestException):
        stop(world, execution_id)
    world.succeed(world.lambda_.jobs[0])
    world.clock.run()
    assert world.status(execution_id) == "Stopped"
    assert world.latest()["status"] == "Succeeded"
    assert len(world.lambda_.jobs) == 1
    (summary,) = world.client.list_pipeline_executions(pipelineName="app")["pipelineExecutionSummaries"]
    assert summary["stopTrigger"] == {"reason": "Wrong branch"}
    assert world.event_names()[-5:] == [
        "pipeline STOPPING",
        "stage Deploy STOPPING",
        "action Deploy/Deploy SUCCEEDED",
        "stage Deploy STOPPED",
        "pipeline STOPPED",
    ]
    assert world.events[-1].detail["stop-execution-comments"] == "Wrong branch"
    with pytest.raises(world.client.exceptions.PipelineExecutionNotStoppableException):
        stop(world, execution_id)


def test_stop_with_abandon_takes_effect_at_once(world: World) -> None:
    world.lambda_.functions["trigger"] = lambda job: world.succeed(job, continuationToken="more")
    world.create()
    execution_id = world.start()
    world.clock.advance(5)
    runs = len(world.lambda_.jobs)

    stop(world, execution_id, abandon=True)

    assert world.status(execution_id) == "Stopped"
    assert world.latest()["status"] == "Abandoned"
    world.clock.run()
    assert len(world.lambda_.jobs) == runs
    assert world.event_names()[-3:] == [
        "action Deploy/Deploy ABANDONED",
        "stage Deploy STOPPED",
        "pipeline STOPPED",
    ]
    abandoned = world.events[-3].detail
    assert "execution-result" not in abandoned


def test_job_of_an_abandoned_action_is_closed(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create()
    execution_id = world.start()
    world.clock.advance(1)
    stop(world, execution_id, abandon=True)

    with pytest.raises(world.client.exceptions.InvalidJobStateException):
        world.succeed(world.lambda_.jobs[0])
    world.clock.run()
    assert world.status(execution_id) == "Stopped"


def test_stopping_execution_can_be_abandoned(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create()
    execution_id = world.start()
    world.clock.advance(1)
    stop(world, execution_id)

    stop(world, execution_id, abandon=True)

    assert world.status(execution_id) == "Stopped"


def test_execution_between_stages_stops_at_once(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create()
    world.client.disable_stage_transition(
        pipelineName="app", stageName="Deploy", transitionType="Inbound", reason="Not now"
    )
    execution_id = world.run()

    stop(world, execution_id)

    assert world.status(execution_id) == "Stopped"
    assert "inboundExecution" not in world.stage("Deploy")


def test_stopping_an_unknown_execution_is_refused(world: World) -> None:
    world.create()
    with pytest.raises(world.client.exceptions.PipelineExecutionNotStoppableException):
        stop(world, UNKNOWN)
    with pytest.raises(world.client.exceptions.PipelineNotFoundException):
        world.client.stop_pipeline_execution(pipelineName="no", pipelineExecutionId=UNKNOWN)


# --- retry ----------------------------------------------------------------------------------------


@pytest.fixture
def failed(world: World) -> World:
    """Deploy runs Good and Bad in parallel, then Last; Bad fails the first time."""
    world.lambda_.functions["good"] = world.succeed
    world.lambda_.functions["bad"] = lambda job: (
        world.fail(job) if len(calls(world, "bad")) == 1 else world.succeed(job)
    )
    world.create(
        stage(
            "Deploy",
            lambda_action("Good", "good"),
            lambda_action("Bad", "bad"),
            lambda_action("Last", "good", runOrder=2),
        )
    )
    return world


def calls(world: World, function: str) -> list[Job]:
    return [
        job
        for job in world.lambda_.jobs
        if job["data"]["actionConfiguration"]["configuration"]["FunctionName"] == function
    ]


def test_retry_of_failed_actions_runs_them_again(failed: World) -> None:
    execution_id = failed.run()
    assert failed.status(execution_id) == "Failed"
    assert len(calls(failed, "good")) == 1

    retry(failed, execution_id)
    assert failed.status(execution_id) == "InProgress"
    failed.clock.run()

    assert failed.status(execution_id) == "Succeeded"
    assert len(calls(failed, "good")) == 2  # Good once, Last once
    names = [item["actionName"] for item in failed.actions(execution_id)]
    assert sorted(names) == ["Bad", "Bad", "Good", "Last", "Source"]
    latest = failed.client.list_action_executions(
        pipelineName="app",
        filter={
            "latestInPipelineExecution": {"pipelineExecutionId": execution_id, "startTimeRange": "Latest"}
        },
    )["actionExecutionDetails"]
    assert sorted(item["actionName"] for item in latest) == ["Bad", "Good", "Last", "Source"]
    assert failed.stage("Deploy")["retryStageMetadata"]["manualStageRetryAttempt"] == 1
    names = failed.event_names()
    assert names[names.index("pipeline FAILED") + 1 :][:3] == [
        "pipeline RESUMED",
        "stage Deploy RESUMED",
        "action Deploy/Bad STARTED",
    ]
    resumed = next(event for event in failed.events if event.detail["state"] == "RESUMED")
    assert resumed.detail["pipeline-execution-attempt"] == 2.0


def test_retry_of_all_actions_runs_all_again(failed: World) -> None:
    execution_id = failed.run()

    retry(failed, execution_id, "ALL_ACTIONS")
    failed.clock.run()

    assert failed.status(execution_id) == "Succeeded"
    assert len(calls(failed, "good")) == 3


def test_stopped_stage_can_be_retried(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create()
    execution_id = world.start()
    world.clock.advance(1)
    stop(world, execution_id, abandon=True)

    retry(world, execution_id)
    world.clock.advance(1)
    world.succeed(world.lambda_.jobs[-1])

    assert len(world.lambda_.jobs) == 2
    assert world.status(execution_id) == "Succeeded"


def test_only_the_latest_execution_of_a_stage_can_be_retried(world: World) -> None:
    world.lambda_.functions["trigger"] = world.fail
    world.create()
    older = world.run()
    world.run()

    with pytest.raises(world.client.exceptions.NotLatestPipelineExecutionException):
        retry(world, older)


def test_earlier_parallel_execution_can_be_retried(world: World) -> None:
    world.lambda_.functions["trigger"] = world.fail
    world.create(executionMode="PARALLEL")
    older = world.run()
    world.run()

    world.lambda_.functions["trigger"] = world.succeed
    retry(world, older)
    world.clock.run()

    assert world.status(older) == "Succeeded"


def test_stage_that_has_not_failed_cannot_be_retried(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create()
    succeeded = world.run()

    with pytest.raises(world.client.exceptions.StageNotRetryableException):
        retry(world, succeeded)
    with pytest.raises(world.client.exceptions.StageNotRetryableException):
        retry(world, UNKNOWN)
    with pytest.raises(world.client.exceptions.StageNotFoundException):
        retry(world, succeeded, stage_name="No")


def test_stage_of_a_changed_pipeline_cannot_be_retried(world: World) -> None:
    world.lambda_.functions["trigger"] = world.fail
    world.create()
    execution_id = world.run()
    world.client.update_pipeline(pipeline=world.client.get_pipeline(name="app")["pipeline"])

    with pytest.raises(world.client.exceptions.StageNotRetryableException):
        retry(world, execution_id)


# --- actions --------------------------------------------------------------------------------------


def test_actions_with_the_same_run_order_run_in_parallel(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create(stage("Deploy", lambda_action("A"), lambda_action("B"), lambda_action("C", runOrder=2)))
    execution_id = world.start()
    world.clock.advance(1)

    assert len(world.lambda_.jobs) == 2
    world.succeed(world.lambda_.jobs[1])
    world.clock.advance(1)
    assert len(world.lambda_.jobs) == 2
    world.succeed(world.lambda_.jobs[0])
    world.clock.advance(1)
    assert len(world.lambda_.jobs) == 3
    world.succeed(world.lambda_.jobs[2])
    assert world.status(execution_id) == "Succeeded"


def test_stage_fails_after_its_parallel_actions_have_ended(world: World) -> None:
    world.lambda_.functions["trigger"] = no_result
    world.create(stage("Deploy", lambda_action("A"), lambda_action("B")))
    execution_id = world.start()
    world.clock.advance(1)

    world.fail(world.lambda_.jobs[0])
    assert world.status(execution_id) == "InProgress"
    world.succeed(world.lambda_.jobs[1])

    assert world.status(execution_id) == "Failed"


def test_output_artifact_is_the_input_of_a_later_action(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create(
        stage(
            "Deploy",
            lambda_action("Make", outputArtifacts=[{"name": "Report"}]),
            lambda_action("Use", inputArtifacts=[{"name": "Report"}], runOrder=2),
        )
    )

    world.run()

    first, second = (job["data"] for job in world.lambda_.jobs)
    assert second["inputArtifacts"] == first["outputArtifacts"]


# --- approvals ------------------------------------------------------------------------------------


def approve(world: World, token: str, status: str = "Approved") -> None:
    world.client.put_approval_result(
        pipelineName="app",
        stageName="Deploy",
        actionName="Approve",
        result={"summary": "fine", "status": status},
        token=token,
    )


def test_approval_waits_for_its_result(world: World) -> None:
    world.create(stage("Deploy", approval_action()))
    execution_id = world.start()
    world.clock.advance(24 * 3600)
    token = world.latest(action_name="Approve")["token"]

    with pytest.raises(world.client.exceptions.InvalidApprovalTokenException):
        approve(world, UNKNOWN)
    approve(world, token)

    assert world.status(execution_id) == "Succeeded"
    assert world.latest(action_name="Approve")["summary"] == "fine"
    with pytest.raises(world.client.exceptions.ApprovalAlreadyCompletedException):
        approve(world, token)


def test_token_is_only_valid_for_its_stage_and_action(world: World) -> None:
    world.create(stage("Other", approval_action("Second")), stage("Deploy", approval_action()))
    world.start()
    world.clock.advance(1)
    token = world.stage("Other")["actionStates"][0]["latestExecution"]["token"]
    with pytest.raises(world.client.exceptions.InvalidApprovalTokenException):
        approve(world, token)


def test_topic_of_an_approval_is_notified(world: World) -> None:
    topic = "arn:aws:sns:us-east-1:000000000000:reviewers"
    configuration = {
        "NotificationArn": topic,
        "CustomData": "Please review",
        "ExternalEntityLink": "https://example.com/plan",
    }
    world.create(stage("Deploy", approval_action(configuration=configuration)))
    world.start()
    world.clock.advance(1)

    (published,) = world.sns.published
    token = world.latest(action_name="Approve")["token"]
    link = "https://console.aws.amazon.com/codepipeline/home?region=us-east-1#/view/app"
    expires = world.clock.now() + timedelta(days=7)
    assert published["TopicArn"] == topic
    assert published["Subject"] == "APPROVAL NEEDED: AWS CodePipeline app for action Approve"
    assert json.loads(published["Message"]) == {
        "region": "us-east-1",
        "consoleLink": link,
        "approval": {
            "pipelineName": "app",
            "stageName": "Deploy",
            "actionName": "Approve",
            "token": token,
            "expires": f"{expires:%Y-%m-%dT%H:%MZ}",
            "externalEntityLink": "https://example.com/plan",
            "approvalReviewLink": f"{link}/Deploy/Approve/approve/{token}",
            "customData": "Please review",
        },
    }


def test_approval_fails_if_its_topic_cannot_be_notified(world: World) -> None:
    world.sns.error = client_error("AuthorizationError", "Publish", "not authorized to perform SNS:Publish")
    world.create(stage("Deploy", approval_action(configuration={"NotificationArn": "arn:aws:sns:x:1:t"})))
    assert world.status(world.run()) == "Failed"
    assert "SNS:Publish" in world.latest(action_name="Approve")["errorDetails"]["message"]


def test_rejection_fails_the_action(world: World) -> None:
    world.create(stage("Deploy", approval_action()))
    execution_id = world.start()
    world.clock.advance(1)

    approve(world, world.latest(action_name="Approve")["token"], "Rejected")

    assert world.status(execution_id) == "Failed"
    assert "fine" in world.latest(action_name="Approve")["errorDetails"]["message"]


def test_approval_without_a_result_times_out(world: World) -> None:
    world.create(stage("Deploy", approval_action(timeoutInMinutes=5)))

    assert world.status(world.run()) == "Failed"
    assert "5 minutes" in world.latest(action_name="Approve")["errorDetails"]["message"]


def test_approval_of_an_unknown_action_is_refused(world: World) -> None:
    world.create()
    result = {"summary": "", "status": "Approved"}
    with pytest.raises(world.client.exceptions.ActionNotFoundException):
        approve(world, UNKNOWN)
    with pytest.raises(world.client.exceptions.StageNotFoundException):
        world.client.put_approval_result(
            pipelineName="app", stageName="No", actionName="No", result=result, token=UNKNOWN
        )


def test_closed_service_does_nothing() -> None:
    world = World(Settings(start_on_create=False))
    world.lambda_.functions["trigger"] = world.succeed
    world.create()
    world.start()
    names = world.event_names()

    world.service.close()
    world.clock.run()

    assert world.event_names() == names
    assert not world.lambda_.events

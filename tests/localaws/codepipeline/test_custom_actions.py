"""Actions of custom types: jobs that workers poll for, acknowledge, continue and answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepline.localaws.codepipeline import Settings
from tests.fakes.sts import SECRETS
from tests.localaws.codepipeline.fakes import BUCKET, COMMIT, World, pipeline, stage
from tests.localaws.codepipeline.workers import (
    SUITE,
    TOKEN,
    TYPE_ID,
    claim,
    config_property,
    custom_action,
    custom_type,
    poll,
)

QUERYABLE = custom_type(config_property("Suite", required=True, key=True, queryable=True))


def started(world: World, *actions: dict[str, Any], **changes: Any) -> str:
    """Create the type and a pipeline with these actions, and start it."""
    world.client.create_custom_action_type(**custom_type(**changes))
    world.create(stage("Deploy", *(actions or (custom_action(),))))
    return begun(world)


def begun(world: World) -> str:
    """Start the pipeline, and let it reach the custom action."""
    execution_id = world.start()
    world.clock.advance(1)
    return execution_id


def test_worker_polls_acknowledges_and_reports_success(world: World) -> None:
    execution_id = started(world, custom_action(namespace="checked"))

    job = claim(world)
    world.succeed(
        job,
        executionDetails={"summary": "all green", "externalExecutionId": "run-7", "percentComplete": 100},
        outputVariables={"Passed": "12"},
    )
    world.clock.run()

    assert world.status(execution_id) == "Succeeded"
    latest = world.latest()
    assert (latest["status"], latest["summary"], latest["externalExecutionId"]) == (
        "Succeeded",
        "all green",
        "run-7",
    )
    (action,) = [item for item in world.actions(execution_id) if item["actionName"] == "Deploy"]
    assert action["output"]["outputVariables"] == {"Passed": "12"}
    assert action["input"]["actionTypeId"] == TYPE_ID


def test_job_has_configuration_context_artifacts_and_credentials(world: World) -> None:
    execution_id = started(world, custom_action(outputArtifacts=[{"name": "Report"}]))

    (job,) = poll(world)

    data = job["data"]
    assert set(job) == {"id", "nonce", "accountId", "data"}
    assert data["actionTypeId"] == TYPE_ID
    assert data["actionConfiguration"] == {"configuration": {"Suite": "smoke"}}
    assert data["pipelineContext"] == {
        "pipelineName": "app",
        "pipelineArn": "arn:aws:codepipeline:us-east-1:000000000000:app",
        "pipelineExecutionId": execution_id,
        "stage": {"name": "Deploy"},
        "action": {"name": "Deploy", "actionExecutionId": world.latest()["actionExecutionId"]},
    }
    (source,) = data["inputArtifacts"]
    assert (source["name"], source["revision"]) == ("SourceOutput", COMMIT)
    assert source["location"]["s3Location"]["bucketName"] == BUCKET
    assert data["outputArtifacts"][0]["location"]["s3Location"]["objectKey"].startswith("app/Report/")
    assert set(data["artifactCredentials"]) == {"accessKeyId", "secretAccessKey", "sessionToken"}
    assert "continuationToken" not in data


def test_action_without_artifacts_has_no_credentials(world: World) -> None:
    started(world, custom_action(inputArtifacts=[]))
    (job,) = poll(world)
    assert "artifactCredentials" not in job["data"]


def test_details_of_a_job_have_new_credentials_until_it_is_closed(world: World) -> None:
    started(world)
    job = claim(world)

    first, second = (world.client.get_job_details(jobId=job["id"])["jobDetails"] for _ in range(2))
    world.succeed(job)
    closed = world.client.get_job_details(jobId=job["id"])["jobDetails"]

    assert first["data"]["pipelineContext"] == job["data"]["pipelineContext"]
    sessions = [item["data"]["artifactCredentials"]["sessionToken"] for item in (job, first, second)]
    assert len(set(sessions)) == 3
    assert "artifactCredentials" not in closed["data"]


def test_continuation_creates_a_new_job_with_the_token_at_a_later_poll(world: World) -> None:
    execution_id = started(world)
    first = claim(world)
    world.succeed(
        first, continuationToken="run-7", executionDetails={"externalExecutionId": "7", "percentComplete": 5}
    )

    assert poll(world) == []
    with pytest.raises(world.client.exceptions.InvalidJobStateException):
        world.succeed(first)
    world.clock.advance(world.settings.continuation_seconds)
    second = claim(world)

    assert second["id"] != first["id"]
    assert second["data"]["continuationToken"] == "run-7"
    assert world.latest()["percentComplete"] == 5
    world.succeed(second)
    world.clock.run()
    assert world.status(execution_id) == "Succeeded"
    assert world.latest()["externalExecutionId"] == "7"


def test_failure_of_a_job_fails_the_action(world: World) -> None:
    execution_id = started(world)
    world.fail(claim(world), "3 tests failed")
    world.clock.run()
    assert world.status(execution_id) == "Failed"
    assert world.latest()["errorDetails"] == {"code": "JobFailed", "message": "3 tests failed"}


def test_poll_returns_at_most_the_batch_size_oldest_first(world: World) -> None:
    names = ["a", "b", "c"]
    started(world, *(custom_action(name) for name in names))

    polled = [poll(world, maxBatchSize=2), poll(world, maxBatchSize=2)]

    assert [[job["data"]["pipelineContext"]["action"]["name"] for job in jobs] for jobs in polled] == [
        ["a", "b"],
        ["c"],
    ]


def test_poll_without_a_batch_size_returns_all_jobs(world: World) -> None:
    started(world, *(custom_action(name) for name in "abc"))
    assert len(poll(world)) == 3


def test_query_selects_jobs_by_the_queryable_property(world: World) -> None:
    world.client.create_custom_action_type(**QUERYABLE)
    actions = [custom_action(name, configuration={"Suite": name}) for name in ("smoke", "load")]
    world.create(stage("Deploy", *actions))
    begun(world)

    assert poll(world, queryParam={"Suite": "other"}) == []
    (job,) = poll(world, queryParam={"Suite": "load"})
    assert job["data"]["actionConfiguration"]["configuration"] == {"Suite": "load"}


@pytest.mark.parametrize("query", [None, {}, {"Other": "x"}])
def test_query_must_have_the_queryable_property(world: World, query: dict[str, str] | None) -> None:
    world.client.create_custom_action_type(**QUERYABLE)
    with pytest.raises(world.client.exceptions.ValidationException, match="Suite"):
        poll(world, **({} if query is None else {"queryParam": query}))


def test_query_of_a_type_without_queryable_property_is_refused(world: World) -> None:
    world.client.create_custom_action_type(**custom_type())
    assert poll(world, queryParam={}) == []
    with pytest.raises(world.client.exceptions.ValidationException, match="no queryable"):
        poll(world, queryParam={"Suite": "smoke"})


@pytest.mark.parametrize("owner", ["AWS", "ThirdParty"])
def test_poll_for_jobs_of_other_owners_is_refused(world: World, owner: str) -> None:
    action_type = {"category": "Invoke", "owner": owner, "provider": "Lambda", "version": "1"}
    message = f"ActionType with owner '{owner}' is not supported"
    with pytest.raises(world.client.exceptions.ValidationException, match=message):
        world.client.poll_for_jobs(actionTypeId=action_type)


def test_poll_for_jobs_of_an_unknown_type_is_refused(world: World) -> None:
    with pytest.raises(world.client.exceptions.ActionTypeNotFoundException):
        poll(world)


def test_only_the_latest_nonce_claims_a_job_and_only_once(world: World) -> None:
    started(world)
    (early,) = poll(world)
    world.clock.advance(world.settings.acknowledge_seconds)
    (late,) = poll(world)
    refused = world.client.exceptions.InvalidNonceException

    with pytest.raises(refused):
        world.client.acknowledge_job(jobId=early["id"], nonce=early["nonce"])
    assert world.client.acknowledge_job(jobId=late["id"], nonce=late["nonce"])["status"] == "InProgress"
    with pytest.raises(refused):
        world.client.acknowledge_job(jobId=late["id"], nonce=late["nonce"])
    assert early["id"] == late["id"]


def test_polled_job_is_offered_again_only_if_it_is_not_acknowledged(world: World) -> None:
    started(world)
    (job,) = poll(world)
    world.clock.advance(world.settings.acknowledge_seconds - 1)
    assert poll(world) == []
    world.clock.advance(1)
    assert [item["id"] for item in poll(world)] == [job["id"]]

    world.clock.advance(world.settings.acknowledge_seconds)
    claim(world)
    world.clock.advance(world.settings.acknowledge_seconds)
    assert poll(world) == []


def test_job_takes_no_result_before_it_is_acknowledged(world: World) -> None:
    started(world)
    (job,) = poll(world)
    with pytest.raises(world.client.exceptions.InvalidJobStateException, match="Dispatched"):
        world.succeed(job)
    world.client.acknowledge_job(jobId=job["id"], nonce=job["nonce"])
    world.succeed(job)


def test_unknown_job_cannot_be_acknowledged(world: World) -> None:
    with pytest.raises(world.client.exceptions.JobNotFoundException):
        world.client.acknowledge_job(jobId="00000000-0000-4000-8000-000000000000", nonce="1")


def test_job_of_a_function_cannot_be_acknowledged(world: World) -> None:
    world.lambda_.functions["trigger"] = lambda _job: None
    world.create()
    world.start()
    world.clock.advance(1)
    with pytest.raises(world.client.exceptions.InvalidNonceException):
        world.client.acknowledge_job(jobId=world.lambda_.jobs[0]["id"], nonce="1")


def test_job_waits_for_a_worker_longer_than_that_of_a_function(world: World) -> None:
    execution_id = started(world)
    world.clock.advance(timedelta(hours=20).total_seconds())
    job = claim(world)
    world.clock.advance(timedelta(hours=3).total_seconds())
    world.succeed(job)
    world.clock.run()
    assert world.status(execution_id) == "Succeeded"


def test_action_times_out_after_24_hours_and_closes_its_job(world: World) -> None:
    world.client.create_custom_action_type(**custom_type())
    world.create(stage("Deploy", custom_action()))
    execution_id = begun(world)
    job = claim(world)
    world.clock.advance(timedelta(hours=24).total_seconds())

    assert world.status(execution_id) == "Failed"
    assert "1440 minutes" in world.latest()["errorDetails"]["message"]
    assert world.event_names()[-3:] == [
        "action Deploy/Deploy FAILED",
        "stage Deploy FAILED",
        "pipeline FAILED",
    ]
    with pytest.raises(world.client.exceptions.InvalidJobStateException):
        world.succeed(job)


@pytest.mark.parametrize("acknowledged", [False, True])
def test_abandoned_action_closes_its_job(world: World, *, acknowledged: bool) -> None:
    execution_id = started(world)
    job = claim(world) if acknowledged else poll(world)[0]
    world.client.stop_pipeline_execution(
        pipelineName="app", pipelineExecutionId=execution_id, abandon=True, reason="no"
    )
    world.clock.run()

    assert "action Deploy/Deploy ABANDONED" in world.event_names()
    assert poll(world) == []
    with pytest.raises(world.client.exceptions.InvalidJobStateException):
        world.succeed(job)
    if not acknowledged:
        status = world.client.acknowledge_job(jobId=job["id"], nonce=job["nonce"])["status"]
        assert status == "Failed"
    details = world.client.get_job_details(jobId=job["id"])["jobDetails"]
    assert "artifactCredentials" not in details["data"]


def test_queued_job_of_an_abandoned_action_is_not_offered(world: World) -> None:
    execution_id = started(world)
    world.client.stop_pipeline_execution(pipelineName="app", pipelineExecutionId=execution_id, abandon=True)
    assert poll(world) == []
    world.clock.run()
    assert poll(world) == []


def test_stopped_execution_waits_for_the_job(world: World) -> None:
    execution_id = started(world)
    job = claim(world)
    world.client.stop_pipeline_execution(pipelineName="app", pipelineExecutionId=execution_id)
    world.clock.advance(1)
    assert world.status(execution_id) == "Stopping"
    world.succeed(job)
    assert world.status(execution_id) == "Stopped"


def test_removed_action_is_cancelled_and_its_job_closed(world: World) -> None:
    execution_id = started(world)
    job = claim(world)
    changed = pipeline(stage("Deploy", custom_action("Other")))
    world.client.update_pipeline(pipeline=changed)

    assert "action Deploy/Deploy CANCELED" in world.event_names(execution_id)
    with pytest.raises(world.client.exceptions.InvalidJobStateException):
        world.succeed(job)


def test_events_name_the_custom_type(world: World) -> None:
    started(world)
    (event,) = [item for item in world.events if item.detail.get("action") == "Deploy"]
    assert event.detail["state"] == "STARTED"
    assert event.detail["type"] == TYPE_ID


def test_event_can_precede_the_job() -> None:
    world = World(Settings(start_on_create=False, queue_seconds=5, identifier_seed=1))
    world.client.create_custom_action_type(**custom_type())
    world.create(stage("Deploy", custom_action()))
    world.start()
    world.clock.advance(4)
    assert "action Deploy/Deploy STARTED" in world.event_names()
    assert poll(world) == []
    world.clock.advance(1)
    assert len(poll(world)) == 1


def test_action_fails_if_its_role_cannot_be_assumed(world: World) -> None:
    execution_id = started(world)
    world.sts.fail_next("AssumeRole", "AccessDenied", status=403)
    assert poll(world) == []
    assert world.status(execution_id) == "Failed"
    assert world.latest()["errorDetails"]["code"] == "PermissionError"


def test_secret_is_shown_to_workers_only(world: World) -> None:
    action = custom_action(configuration={"Suite": "smoke", "Token": "hush-hush"})
    execution_id = started(world, action)

    shown = world.client.get_pipeline(name="app")["pipeline"]
    assert shown["stages"][1]["actions"][0]["configuration"] == {"Suite": "smoke", "Token": "****"}
    (action_execution,) = [item for item in world.actions(execution_id) if item["actionName"] == "Deploy"]
    assert "hush-hush" not in str(action_execution)
    assert "hush-hush" not in str(world.client.get_pipeline_state(name="app"))
    assert not any("hush-hush" in str(event) for event in world.events)
    job = claim(world)
    assert job["data"]["actionConfiguration"]["configuration"]["Token"] == "hush-hush"
    details = world.client.get_job_details(jobId=job["id"])["jobDetails"]
    assert details["data"]["actionConfiguration"]["configuration"]["Token"] == "hush-hush"


@pytest.mark.parametrize(
    ("suite", "expected"), [("smoke", "hush-hush"), ("other", "****")], ids=["same", "changed"]
)
def test_masked_secret_keeps_its_value_unless_the_action_changes(
    world: World, suite: str, expected: str
) -> None:
    world.client.create_custom_action_type(**custom_type(SUITE, TOKEN))
    world.create(stage("Deploy", custom_action(configuration={"Suite": "smoke", "Token": "hush-hush"})))
    changed = world.client.get_pipeline(name="app")["pipeline"]
    changed["stages"][1]["actions"][0]["configuration"]["Suite"] = suite
    world.client.update_pipeline(pipeline=changed)
    begun(world)

    job = claim(world)
    assert job["data"]["actionConfiguration"]["configuration"]["Token"] == expected


def test_credentials_are_not_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    started(world)
    with caplog.at_level("DEBUG", logger="stepline"):
        world.succeed(claim(world))
        world.clock.run()
    assert not any(secret in caplog.text for secret in SECRETS)


def test_custom_source_reports_its_revision(world: World) -> None:
    """The revision of a custom source is the currentRevision of its result."""
    source_type = {**TYPE_ID, "category": "Source"}
    world.client.create_custom_action_type(
        **custom_type(SUITE, category="Source", inputArtifactDetails={"minimumCount": 0, "maximumCount": 0})
    )
    world.client.create_custom_action_type(**custom_type())
    declared = pipeline(stage("Deploy", custom_action()))
    declared["stages"][0]["actions"] = [
        custom_action(
            "Source",
            actionTypeId=source_type,
            inputArtifacts=[],
            outputArtifacts=[{"name": "SourceOutput"}],
        )
    ]
    world.client.create_pipeline(pipeline=declared)
    execution_id = begun(world)
    (job,) = world.client.poll_for_jobs(actionTypeId=source_type)["jobs"]
    world.client.acknowledge_job(jobId=job["id"], nonce=job["nonce"])
    world.succeed(job, currentRevision={"revision": "r-9", "changeIdentifier": "9"})
    world.clock.advance(1)

    (revision,) = world.client.get_pipeline_execution(pipelineName="app", pipelineExecutionId=execution_id)[
        "pipelineExecution"
    ]["artifactRevisions"]
    assert revision["revisionId"] == "r-9"
    assert claim(world)["data"]["inputArtifacts"][0]["revision"] == "r-9"


def test_action_of_a_deleted_type_fails(world: World) -> None:
    world.client.create_custom_action_type(**custom_type())
    world.create(stage("Deploy", custom_action()))
    world.client.delete_custom_action_type(category="Test", provider="Checks", version="1")
    execution_id = world.run()
    assert world.status(execution_id) == "Failed"
    assert "was deleted" in world.latest()["errorDetails"]["message"]


def test_open_job_of_a_deleted_type_takes_its_result(world: World) -> None:
    execution_id = started(world)
    job = claim(world)
    world.client.delete_custom_action_type(category="Test", provider="Checks", version="1")
    with pytest.raises(world.client.exceptions.ActionTypeNotFoundException):
        poll(world)
    world.succeed(job)
    assert world.status(execution_id) == "Succeeded"


def test_jobs_of_a_deleted_pipeline_are_dropped(world: World) -> None:
    started(world, custom_action("A"), custom_action("B"))
    (job,) = poll(world, maxBatchSize=1)
    world.client.delete_pipeline(name="app")
    assert poll(world) == []
    with pytest.raises(world.client.exceptions.JobNotFoundException):
        world.client.acknowledge_job(jobId=job["id"], nonce=job["nonce"])


def test_retried_action_has_a_new_job(world: World) -> None:
    execution_id = started(world)
    first = claim(world)
    world.fail(first)
    world.client.retry_stage_execution(
        pipelineName="app",
        stageName="Deploy",
        pipelineExecutionId=execution_id,
        retryMode="FAILED_ACTIONS",
    )
    world.clock.advance(1)
    second = claim(world)
    contexts = [job["data"]["pipelineContext"]["action"]["actionExecutionId"] for job in (first, second)]
    assert first["id"] != second["id"]
    assert len(set(contexts)) == 2
    world.succeed(second)
    assert world.status(execution_id) == "Succeeded"

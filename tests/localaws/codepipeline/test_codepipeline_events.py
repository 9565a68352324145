"""Events, compared with those of the user guide member by member."""

from __future__ import annotations

from typing import Any

from tests.localaws.codepipeline.fakes import BUCKET, COMMIT, World, lambda_action, stage

ARN = "arn:aws:codepipeline:us-east-1:000000000000:app"


def detail(world: World, name: str) -> dict[str, Any]:
    """Return the detail of the first event with that short name."""
    return dict(world.events[world.event_names().index(name)].detail)


def run(world: World) -> tuple[str, dict[str, Any]]:
    world.lambda_.functions["trigger"] = lambda job: world.succeed(
        job, executionDetails={"summary": "done", "externalExecutionId": "arn:e"}
    )
    world.create(stage("Deploy", lambda_action(outputArtifacts=[{"name": "Report"}])))
    execution_id = world.run()
    common = {
        "pipeline": "app",
        "execution-id": execution_id,
        "start-time": "2026-01-01T00:00:00.000Z",
        "version": 1.0,
        "pipeline-execution-attempt": 1.0,
    }
    return execution_id, common


def test_events_have_source_time_and_resource(world: World) -> None:
    run(world)

    assert {event.source for event in world.events} == {"aws.codepipeline"}
    assert {event.resources for event in world.events} == {(ARN,)}
    assert all(event.time.tzinfo is not None for event in world.events)


def test_pipeline_and_stage_events_have_their_details(world: World) -> None:
    _, common = run(world)

    trigger = {"trigger-type": "StartPipelineExecution", "trigger-detail": "arn:aws:iam::000000000000:root"}
    assert detail(world, "pipeline STARTED") == {**common, "state": "STARTED", "execution-trigger": trigger}
    assert detail(world, "pipeline SUCCEEDED") == {**common, "state": "SUCCEEDED"}
    assert detail(world, "stage Deploy SUCCEEDED") == {**common, "state": "SUCCEEDED", "stage": "Deploy"}


def test_action_events_have_their_details(world: World) -> None:
    execution_id, common = run(world)
    deploy, source = world.actions(execution_id)
    (source_output,) = source["output"]["outputArtifacts"]
    (report,) = deploy["output"]["outputArtifacts"]

    assert source_output["s3location"]["bucket"] == BUCKET
    assert detail(world, "action Source/Source SUCCEEDED") == {
        **common,
        "state": "SUCCEEDED",
        "stage": "Source",
        "action": "Source",
        "action-execution-id": source["actionExecutionId"],
        "region": "us-east-1",
        "type": {"category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1"},
        "output-artifacts": [source_output],
        "execution-result": {
            "external-execution-url": "https://example.com/commit",
            "external-execution-summary": "First commit",
            "external-execution-id": COMMIT,
        },
    }
    started = {
        **common,
        "state": "STARTED",
        "stage": "Deploy",
        "action": "Deploy",
        "action-execution-id": deploy["actionExecutionId"],
        "region": "us-east-1",
        "type": {"category": "Invoke", "owner": "AWS", "provider": "Lambda", "version": "1"},
        "input-artifacts": [source_output],
    }
    assert detail(world, "action Deploy/Deploy STARTED") == started
    assert detail(world, "action Deploy/Deploy SUCCEEDED") == {
        **started,
        "state": "SUCCEEDED",
        "output-artifacts": [report],
        "execution-result": {
            "external-execution-url": (
                "https://console.aws.amazon.com/lambda/home?region=us-east-1#/functions/trigger"
            ),
            "external-execution-summary": "done",
            "external-execution-id": "arn:e",
        },
    }


def test_events_contain_no_job_id_and_no_credentials(world: World) -> None:
    run(world)

    text = str([event.detail for event in world.events])
    (job,) = world.lambda_.jobs
    assert job["id"] not in text
    assert "secret-of-the-session" not in text


def test_events_after_a_retry_have_its_time(world: World) -> None:
    world.lambda_.functions["trigger"] = world.fail
    world.create()
    execution_id = world.run()
    assert "stage-last-retry-attempt-time" not in detail(world, "stage Deploy FAILED")

    world.lambda_.functions["trigger"] = world.succeed
    world.clock.advance(60)
    world.client.retry_stage_execution(
        pipelineName="app",
        stageName="Deploy",
        pipelineExecutionId=execution_id,
        retryMode="FAILED_ACTIONS",
    )
    world.clock.run()

    for name in ("stage Deploy RESUMED", "stage Deploy SUCCEEDED"):
        assert detail(world, name)["stage-last-retry-attempt-time"].endswith("Z")
        assert detail(world, name)["pipeline-execution-attempt"] == 2.0


def test_failing_event_bus_does_not_affect_the_pipeline(world: World) -> None:
    class BrokenBus(list[Any]):
        def append(self, event: Any) -> None:
            raise RuntimeError("the bus is down")

    broken = World(events=BrokenBus())
    broken.lambda_.functions["trigger"] = broken.succeed
    broken.create()

    assert broken.status(broken.run()) == "Succeeded"

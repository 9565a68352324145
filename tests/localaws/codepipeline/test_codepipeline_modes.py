"""Execution modes and disabled transitions."""

from __future__ import annotations

import pytest

from tests.localaws.codepipeline.fakes import (
    Job,
    World,
    approval_action,
    lambda_action,
    pipeline,
    stage,
)


@pytest.fixture
def waiting(world: World) -> World:
    """A world whose function leaves its jobs open for the test."""
    world.lambda_.functions["trigger"] = lambda job: None
    return world


def open_job(world: World, execution_id: str) -> Job:
    """Return the latest job of an execution."""
    details = [world.client.get_job_details(jobId=job["id"])["jobDetails"] for job in world.lambda_.jobs]
    ids = [
        item["id"]
        for item in details
        if item["data"]["pipelineContext"]["pipelineExecutionId"] == execution_id
    ]
    return next(job for job in world.lambda_.jobs if job["id"] == ids[-1])


def start(world: World) -> str:
    execution_id = world.start()
    world.clock.advance(1)
    return execution_id


def test_newer_execution_supersedes_the_one_that_waits(waiting: World) -> None:
    waiting.create()
    first, second, third = start(waiting), start(waiting), start(waiting)

    assert [waiting.status(item) for item in (first, second, third)] == [
        "InProgress",
        "Superseded",
        "InProgress",
    ]
    state = waiting.stage("Deploy")
    assert state["latestExecution"]["pipelineExecutionId"] == first
    assert state["inboundExecution"]["pipelineExecutionId"] == third
    assert waiting.event_names(second)[-1] == "pipeline SUPERSEDED"
    summary = waiting.client.get_pipeline_execution(pipelineName="app", pipelineExecutionId=second)
    assert third in summary["pipelineExecution"]["statusSummary"]

    waiting.succeed(open_job(waiting, first))
    waiting.clock.advance(1)
    assert waiting.stage("Deploy")["latestExecution"]["pipelineExecutionId"] == third
    assert "inboundExecution" not in waiting.stage("Deploy")


def test_waiting_execution_is_superseded_before_the_first_stage(waiting: World) -> None:
    waiting.create()
    first, second, third = waiting.start(), waiting.start(), waiting.start()

    assert waiting.status(second) == "Superseded"
    assert waiting.stage("Source")["inboundExecution"]["pipelineExecutionId"] == third
    waiting.clock.advance(1)
    assert waiting.status(first) == waiting.status(third) == "InProgress"


def test_waiting_execution_continues_after_a_failure(waiting: World) -> None:
    waiting.create()
    first, second = start(waiting), start(waiting)

    waiting.fail(open_job(waiting, first))
    waiting.clock.advance(1)
    waiting.succeed(open_job(waiting, second))

    assert (waiting.status(first), waiting.status(second)) == ("Failed", "Succeeded")


def test_queued_executions_run_one_after_another(waiting: World) -> None:
    waiting.create(executionMode="QUEUED")
    executions = [start(waiting) for _ in range(4)]

    inbound = waiting.stage("Deploy")["inboundExecutions"]
    assert [item["pipelineExecutionId"] for item in inbound] == executions[1:]
    for execution_id in executions:
        assert waiting.stage("Deploy")["latestExecution"]["pipelineExecutionId"] == execution_id
        waiting.succeed(open_job(waiting, execution_id))
        waiting.clock.advance(1)
    assert {waiting.status(execution_id) for execution_id in executions} == {"Succeeded"}


def test_parallel_executions_run_at_the_same_time(waiting: World) -> None:
    waiting.create(executionMode="PARALLEL")
    executions = [start(waiting) for _ in range(4)]

    assert len(waiting.lambda_.jobs) == 4
    for execution_id in reversed(executions):
        waiting.succeed(open_job(waiting, execution_id))
        assert waiting.status(execution_id) == "Succeeded"


@pytest.mark.parametrize("mode", ["QUEUED", "PARALLEL"])
def test_51st_execution_in_progress_is_refused(waiting: World, mode: str) -> None:
    waiting.create(executionMode=mode)
    for _ in range(50):
        waiting.start()

    with pytest.raises(waiting.client.exceptions.ConcurrentPipelineExecutionsLimitExceededException):
        waiting.start()


@pytest.mark.parametrize(("stage_name", "direction"), [("Deploy", "Inbound"), ("Source", "Outbound")])
def test_executions_wait_at_a_disabled_transition(world: World, stage_name: str, direction: str) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create()
    world.client.disable_stage_transition(
        pipelineName="app", stageName=stage_name, transitionType=direction, reason="Not now"
    )

    older = world.run()
    newer = world.run()

    state = world.stage("Deploy")
    assert (world.status(older), world.status(newer)) == ("Superseded", "InProgress")
    assert state["inboundExecution"] == {
        "pipelineExecutionId": newer,
        "status": "InProgress",
        "type": "STANDARD",
    }
    assert state["inboundTransitionState"]["enabled"] is False
    assert state["inboundTransitionState"]["disabledReason"] == "Not now"
    assert state["inboundTransitionState"]["lastChangedBy"].startswith("arn:")
    assert "latestExecution" not in state

    world.client.enable_stage_transition(pipelineName="app", stageName=stage_name, transitionType=direction)
    world.clock.run()
    assert world.status(newer) == "Succeeded"
    assert world.stage("Deploy")["inboundTransitionState"]["enabled"] is True


def test_outbound_transition_of_the_last_stage_has_no_effect(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create()
    world.client.disable_stage_transition(
        pipelineName="app", stageName="Deploy", transitionType="Outbound", reason="Not now"
    )

    assert world.status(world.run()) == "Succeeded"


def test_transition_of_an_unknown_stage_is_refused(world: World) -> None:
    world.create()
    with pytest.raises(world.client.exceptions.StageNotFoundException):
        world.client.enable_stage_transition(pipelineName="app", stageName="No", transitionType="Inbound")


def test_update_cancels_the_execution_once_its_action_has_ended(waiting: World) -> None:
    waiting.create()
    first = start(waiting)
    changed = waiting.client.get_pipeline(name="app")["pipeline"]
    changed["stages"].append(stage("After", lambda_action("Later")))
    waiting.client.update_pipeline(pipeline=changed)
    assert waiting.status(first) == "InProgress"

    waiting.succeed(open_job(waiting, first))
    waiting.clock.advance(1)

    assert waiting.status(first) == "Cancelled"
    assert waiting.latest()["status"] == "Succeeded"
    assert waiting.stage("Deploy")["latestExecution"]["status"] == "Cancelled"
    assert "latestExecution" not in waiting.stage("After")
    assert waiting.event_names()[-3:] == [
        "action Deploy/Deploy SUCCEEDED",
        "stage Deploy CANCELED",
        "pipeline CANCELED",
    ]


def test_update_cancels_executions_that_wait_before_a_stage(waiting: World) -> None:
    waiting.create()
    waiting.client.disable_stage_transition(
        pipelineName="app", stageName="Deploy", transitionType="Inbound", reason="Later"
    )
    first = start(waiting)
    waiting.client.update_pipeline(pipeline=waiting.client.get_pipeline(name="app")["pipeline"])

    assert waiting.status(first) == "Cancelled"
    waiting.client.enable_stage_transition(pipelineName="app", stageName="Deploy", transitionType="Inbound")
    waiting.clock.advance(1)
    assert not waiting.lambda_.jobs


def test_update_without_an_action_cancels_the_action_at_once(world: World) -> None:
    world.create(stage("Gate", approval_action()), stage("Deploy", lambda_action()))
    first = world.start()
    world.clock.advance(1)
    world.client.update_pipeline(pipeline=pipeline())

    assert world.status(first) == "Cancelled"
    assert world.event_names()[-3:] == [
        "action Gate/Approve CANCELED",
        "stage Gate CANCELED",
        "pipeline CANCELED",
    ]


def test_failed_action_fails_an_execution_of_an_earlier_version(waiting: World) -> None:
    waiting.create()
    first = start(waiting)
    waiting.client.update_pipeline(pipeline=waiting.client.get_pipeline(name="app")["pipeline"])
    waiting.fail(open_job(waiting, first))
    waiting.clock.advance(1)
    assert waiting.status(first) == "Failed"

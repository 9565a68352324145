"""Activities, with workers that ask for tasks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localaws.stepfunctions.world import Outcome, State, World, error_of

ACTIVITY = "arn:aws:states:us-east-1:000000000000:activity:work"


@pytest.fixture
def worker(world: World) -> World:
    assert world.client.create_activity(name="work")["activityArn"] == ACTIVITY
    return world


def start(world: World, **fields: Any) -> str:
    state: State = {"Type": "Task", "Resource": ACTIVITY, "End": True, **fields}
    return world.start(world.create({"Work": state}), {"a": 1})


def get_task(world: World, **settings: Any) -> Any:
    return world.client.get_activity_task(activityArn=ACTIVITY, **settings)


def test_worker_completes_a_task(worker: World) -> None:
    """[recorded events]"""
    execution = start(worker)
    task = get_task(worker, workerName="me")
    assert task["input"] == '{"a": 1}'
    worker.client.send_task_success(taskToken=task["taskToken"], output='"done"')
    worker.virtual_clock.run()
    outcome = Outcome(worker, execution)
    assert outcome.output == "done"
    assert [event["type"] for event in outcome.history][2:5] == [
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
    ]
    assert outcome.history[3]["activityStartedEventDetails"] == {"workerName": "me"}


def test_worker_fails_a_task(worker: World) -> None:
    execution = start(worker)
    worker.client.send_task_failure(taskToken=get_task(worker)["taskToken"], error="E", cause="why")
    worker.virtual_clock.run()
    outcome = Outcome(worker, execution)
    assert (outcome.description["error"], outcome.description["cause"]) == ("E", "why")


def test_worker_waits_for_a_task_for_a_minute(worker: World) -> None:
    before = worker.clock.now()
    assert "taskToken" not in get_task(worker)
    assert (worker.clock.now() - before).total_seconds() == 60


def test_task_starts_while_a_worker_waits(worker: World) -> None:
    def begin() -> None:
        start(worker)

    worker.clock.call_later(30, begin)
    assert get_task(worker)["input"] == '{"a": 1}'


def test_task_that_has_timed_out_is_not_given_to_a_worker(worker: World) -> None:
    execution = start(worker, TimeoutSeconds=5)
    worker.virtual_clock.advance(10)
    assert "taskToken" not in get_task(worker)
    assert Outcome(worker, execution).description["error"] == "States.Timeout"


def test_worker_must_send_heartbeats(worker: World) -> None:
    execution = start(worker, TimeoutSeconds=600, HeartbeatSeconds=10)
    token = get_task(worker)["taskToken"]
    for _ in range(3):
        worker.virtual_clock.advance(8)
        worker.client.send_task_heartbeat(taskToken=token)
    worker.virtual_clock.advance(60)
    assert Outcome(worker, execution).description["error"] == "States.Timeout"


def test_activities_are_listed_described_and_deleted(worker: World) -> None:
    worker.client.create_activity(name="work")
    listed = worker.client.list_activities()["activities"]
    assert [activity["activityArn"] for activity in listed] == [ACTIVITY]
    described = worker.client.describe_activity(activityArn=ACTIVITY)
    assert (described["name"], described["encryptionConfiguration"]) == ("work", {"type": "AWS_OWNED_KEY"})
    for _ in range(2):
        worker.client.delete_activity(activityArn=ACTIVITY)
    for call in (worker.client.describe_activity, worker.client.get_activity_task):
        assert error_of(call, activityArn=ACTIVITY) == (
            "ActivityDoesNotExist",
            f"Activity Does Not Exist: '{ACTIVITY}'",
        )


def test_task_of_a_deleted_activity_fails(worker: World) -> None:
    worker.client.delete_activity(activityArn=ACTIVITY)
    execution = start(worker)
    worker.virtual_clock.run()
    outcome = Outcome(worker, execution)
    assert outcome.description["error"] == "States.Runtime"

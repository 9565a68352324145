"""The life of a job, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.localaws.batch import Outcome, jobs
from tests.localaws.batch.fake_containers import RUN_SECONDS, START_SECONDS
from tests.localaws.batch.world import CONTAINER, World

LIFE = ["PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


@pytest.fixture
def world() -> World:
    return World()


def test_a_job_goes_through_all_states(world: World) -> None:
    job_id = world.submit()
    assert world.job(job_id)["status"] == "SUBMITTED"
    world.clock.run()
    job = world.job(job_id)
    assert world.statuses(job_id) == LIFE
    assert job["statusReason"] == "Essential container in task exited"
    assert job["container"]["exitCode"] == 0
    assert job["container"]["logStreamName"].startswith("definition/default/")
    assert job["stoppedAt"] - job["startedAt"] == RUN_SECONDS * 1000
    assert job["startedAt"] - job["createdAt"] == START_SECONDS * 1000
    assert job["attempts"][0]["container"]["logStreamName"] == job["container"]["logStreamName"]


def test_an_event_tells_the_job_as_describe_jobs_does(world: World) -> None:
    job_id = world.submit()
    world.clock.run()
    event = world.events[-1]
    assert (event.source, event.detail_type) == ("aws.batch", "Batch Job State Change")
    assert event.resources == (event.detail["jobArn"],)
    assert event.detail == world.job(job_id)


def test_overrides_and_parameters_reach_the_container(world: World) -> None:
    world.submit(
        parameters={"name": "Ada"},
        containerOverrides={
            "environment": [{"name": "EXTRA", "value": "1"}, {"name": "STAGE", "value": "x"}]
        },
    )
    world.submit(containerOverrides={"command": ["other"]})
    world.clock.run()
    first, second = world.containers.started
    assert first.command == ("--name", "Ada")
    assert second.command == ("other",)
    assert first.environment.items() >= {"STAGE": "x", "EXTRA": "1", "AWS_BATCH_JQ_NAME": "queue"}.items()
    assert first.environment["AWS_BATCH_JOB_ID"] == first.job_id
    assert first.environment["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert first.log_options["awslogs-group"] == "/jobs"


def test_jobs_wait_for_room_in_the_order_of_their_submission(world: World) -> None:
    ids = [world.submit(f"job-{number}") for number in range(5)]
    world.clock.advance(START_SECONDS)
    assert [world.job(job_id)["status"] for job_id in ids] == ["RUNNING"] * 2 + ["RUNNABLE"] * 3
    world.clock.run()
    assert [task.job_id for task in world.containers.started] == ids
    assert world.containers.most_running == world.max_vcpus


def test_a_queue_of_higher_priority_goes_first(world: World) -> None:
    world.create_queue("urgent", priority=10)
    running = [world.submit(), world.submit()]
    low, high = world.submit(), world.submit(queue="urgent")
    world.clock.run()
    assert [task.job_id for task in world.containers.started] == [*running, high, low]


def test_a_job_that_never_fits_waits(world: World) -> None:
    job_id = world.submit(containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "4"}]})
    world.clock.run()
    assert world.job(job_id)["status"] == "RUNNABLE"
    world.client.update_compute_environment(
        computeEnvironment="environment", computeResources={"maxvCpus": 4}
    )
    world.clock.run()
    assert world.job(job_id)["status"] == "SUCCEEDED"


def test_a_failed_program_is_tried_again(world: World) -> None:
    world.containers.outcome = lambda task: Outcome(int(task.environment["AWS_BATCH_JOB_ATTEMPT"] == "1"))
    job_id = world.submit(retryStrategy={"attempts": 3})
    world.clock.run()
    job = world.job(job_id)
    assert job["status"] == "SUCCEEDED"
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [1, 0]
    assert world.statuses(job_id) == [*LIFE[:4], "RUNNABLE", *LIFE[2:]]


@pytest.mark.parametrize(
    ("outcome", "attempts"),
    [
        (Outcome(None, "ResourceInitializationError: no route"), 3),
        (Outcome(None, "CannotPullContainerError: not found"), 1),
        (Outcome(7), 3),
        (Outcome(1), 1),
    ],
)
def test_the_first_rule_that_fits_decides(world: World, outcome: Outcome, attempts: int) -> None:
    world.containers.outcome = lambda _task: outcome
    rules = [
        {"onReason": "resourceInitializationError:*", "action": "RETRY"},
        {"onExitCode": "7", "onStatusReason": "Essential*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ]
    job_id = world.submit(retryStrategy={"attempts": 3, "evaluateOnExit": rules})
    world.clock.run()
    assert len(world.job(job_id)["attempts"]) == attempts


def test_a_container_that_cannot_be_started(world: World) -> None:
    world.containers.outcome = lambda _task: Outcome(None, "CannotPullContainerError: not found")
    job_id = world.submit()
    world.clock.run()
    job = world.job(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert job["container"]["reason"] == "CannotPullContainerError: not found"
    assert not {"exitCode", "logStreamName"} & job["container"].keys()


def test_a_job_that_takes_too_long_is_ended_and_not_tried_again(world: World) -> None:
    world.containers.run_seconds = lambda _task: 1_000.0
    job_id = world.submit(timeout={"attemptDurationSeconds": 90}, retryStrategy={"attempts": 3})
    world.clock.run()
    job = world.job(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert job["stoppedAt"] - job["startedAt"] == 90_000
    assert len(job["attempts"]) == 1


def test_terminating_a_running_job(world: World) -> None:
    job_id = world.submit(retryStrategy={"attempts": 3})
    world.clock.advance(START_SECONDS + 1)
    world.client.terminate_job(jobId=job_id, reason="enough")
    world.clock.run()
    job = world.job(job_id)
    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "enough", True)
    assert job["container"]["exitCode"] == 143
    world.client.terminate_job(jobId=job_id, reason="again")  # changes nothing
    assert world.job(job_id)["statusReason"] == "enough"


def test_terminating_a_job_that_starts(world: World) -> None:
    job_id = world.submit()
    world.clock.advance(1)
    world.client.terminate_job(jobId=job_id, reason="enough")
    world.clock.run()
    assert world.statuses(job_id) == ["PENDING", "RUNNABLE", "STARTING", "FAILED"]


def test_cancelling_takes_only_jobs_that_wait(world: World) -> None:
    world.max_vcpus = 2
    running = [world.submit(), world.submit()]
    waiting = world.submit()
    world.clock.advance(START_SECONDS)
    for job_id in (*running, waiting):
        world.client.cancel_job(jobId=job_id, reason="no need")
    world.clock.run()
    assert [world.job(job_id)["status"] for job_id in running] == ["SUCCEEDED"] * 2
    job = world.job(waiting)
    assert (job["status"], job["statusReason"], job["isCancelled"]) == ("FAILED", "no need", True)
    assert waiting not in [task.job_id for task in world.containers.started]


def test_a_deleted_queue_takes_its_jobs_along(world: World) -> None:
    job_id = world.submit()
    world.clock.advance(START_SECONDS)
    with pytest.raises(ClientError, match="disable it first"):
        world.client.delete_job_queue(jobQueue="queue")
    world.client.update_job_queue(jobQueue="queue", state="DISABLED")
    world.client.delete_job_queue(jobQueue="queue")
    world.clock.run()
    assert world.job(job_id)["statusReason"] == "Job Queue was deleted"


def test_the_newest_jobs_that_have_ended_are_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MAX_KEPT", 3)
    ids = [world.submit(f"job-{number}") for number in range(5)]
    world.clock.run()
    known = world.client.describe_jobs(jobs=ids)["jobs"]
    assert [job["jobId"] for job in known] == ids[2:]


def test_listing_jobs(world: World) -> None:
    first, second = world.submit("load-1"), world.submit("store-1")
    world.clock.run()

    def listed(**criteria: Any) -> list[str]:
        return [
            job["jobId"] for job in world.client.list_jobs(jobQueue="queue", **criteria)["jobSummaryList"]
        ]

    assert listed() == []  # those that run
    assert listed(jobStatus="SUCCEEDED") == [second, first]
    assert listed(filters=[{"name": "JOB_NAME", "values": ["load*"]}]) == [first]
    assert listed(filters=[{"name": "JOB_DEFINITION", "values": ["other"]}]) == []


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"jobName": "a b"}, "Job name 'a b' should match"),
    "queue": ({"jobQueue": "none"}, "JobQueue none not found"),
    "definition": ({"jobDefinition": "none"}, "JobDefinition none not found or not ACTIVE"),
    "revision": ({"jobDefinition": "definition:7"}, "JobDefinition definition:7 not found"),
    "array": ({"arrayProperties": {"size": 2}}, "does not support array jobs"),
    "dependency": ({"dependsOn": [{"jobId": "x"}]}, "does not support jobs that depend on others"),
    "timeout": ({"timeout": {"attemptDurationSeconds": 59}}, "at least 60 seconds"),
    "attempts": ({"retryStrategy": {"attempts": 11}}, "from 1 to 10"),
    "overrides": ({"containerOverrides": {"command": ["x" * 9_000]}}, "length must be at most 8192"),
    "vcpu": (
        {"containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "many"}]}},
        "VCPU must be a number",
    ),
}


@pytest.mark.parametrize(("members", "words"), REFUSED.values(), ids=REFUSED)
def test_a_refused_submission(world: World, members: dict[str, Any], words: str) -> None:
    request = {"jobName": "job", "jobQueue": "queue", "jobDefinition": "definition"} | members
    with pytest.raises(ClientError, match=words) as raised:
        world.client.submit_job(**request)
    assert raised.value.response["Error"]["Code"] == "ClientException"


def test_a_disabled_queue_takes_no_jobs(world: World) -> None:
    world.client.update_job_queue(jobQueue="queue", state="DISABLED")
    with pytest.raises(ClientError, match="is DISABLED"):
        world.submit()


def test_a_new_revision_is_used_from_then_on(world: World) -> None:
    first = world.register({**CONTAINER, "command": ["new"]})
    world.submit()
    world.clock.run()
    assert world.containers.started[0].command == ("new",)
    world.client.deregister_job_definition(jobDefinition=first)
    described = world.client.describe_job_definitions(jobDefinitionName="definition", status="ACTIVE")
    assert [item["revision"] for item in described["jobDefinitions"]] == [1]


def test_a_driver_that_cannot_be_served_is_refused_at_once(world: World) -> None:
    world.register({**CONTAINER, "logConfiguration": {"logDriver": "splunk"}})
    with pytest.raises(ClientError, match="does not support the log driver splunk"):
        world.submit()


def test_unknown_operations_and_paths_are_told(world: World) -> None:
    with pytest.raises(ClientError, match="does not implement batch:ListSchedulingPolicies"):
        world.client.list_scheduling_policies()


def test_names_are_given_once(world: World) -> None:
    with pytest.raises(ClientError, match="Object already exists"):
        world.create_queue("queue", priority=1)


def test_a_listener_that_breaks_holds_up_no_job(world: World) -> None:
    def broken(_event: object) -> None:
        raise RuntimeError("told by the test")

    world.batch._jobs._events = broken
    job_id = world.submit()
    world.clock.run()
    assert world.job(job_id)["status"] == "SUCCEEDED"


def test_what_is_told_leads_to_a_new_job(world: World) -> None:
    """An event's target may call Batch again, from within."""
    submitted: list[str] = []

    def submit_another(event: Any) -> None:
        if event.detail["status"] == "SUCCEEDED" and not submitted:
            submitted.append(world.submit("another"))

    world.batch._jobs._events = submit_another
    world.submit()
    world.clock.run()
    assert world.job(submitted[0])["status"] == "SUCCEEDED"

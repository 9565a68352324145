"""The life of a job of the local AWS Batch, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.localaws.batch import Outcome, store
from tests.localaws.batch.fake_containers import RUN_SECONDS, START_SECONDS
from tests.localaws.batch.world import CONTAINER, World

STATUSES = ["PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


@pytest.fixture
def world() -> World:
    return World()


def test_job_passes_through_all_statuses(world: World) -> None:
    job_id = world.submit()
    assert world.job(job_id)["status"] == "SUBMITTED"
    world.clock.run()
    job = world.job(job_id)
    assert world.statuses(job_id) == STATUSES
    assert job["statusReason"] == "Essential container in task exited"
    assert job["container"]["exitCode"] == 0
    assert job["container"]["logStreamName"].startswith("definition/default/")
    assert job["stoppedAt"] - job["startedAt"] == RUN_SECONDS * 1000
    assert job["startedAt"] - job["createdAt"] == START_SECONDS * 1000
    assert job["attempts"][0]["container"]["logStreamName"] == job["container"]["logStreamName"]


def test_event_detail_equals_describe_jobs(world: World) -> None:
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


def test_jobs_wait_for_room_in_order_of_submission(world: World) -> None:
    ids = [world.submit(f"job-{number}") for number in range(5)]
    world.clock.advance(START_SECONDS)
    assert [world.job(job_id)["status"] for job_id in ids] == ["RUNNING"] * 2 + ["RUNNABLE"] * 3
    world.clock.run()
    assert [task.job_id for task in world.containers.started] == ids
    assert world.containers.most_running == world.max_vcpus


def test_queue_of_higher_priority_goes_first(world: World) -> None:
    world.create_queue("urgent", priority=10)
    running = [world.submit(), world.submit()]
    low, high = world.submit(), world.submit(queue="urgent")
    world.clock.run()
    assert [task.job_id for task in world.containers.started] == [*running, high, low]


def test_job_that_does_not_fit_waits_until_the_environment_grows(world: World) -> None:
    job_id = world.submit(containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "4"}]})
    world.clock.run()
    assert world.job(job_id)["status"] == "RUNNABLE"
    world.client.update_compute_environment(
        computeEnvironment="environment", computeResources={"maxvCpus": 4}
    )
    world.clock.run()
    assert world.job(job_id)["status"] == "SUCCEEDED"


def test_failed_job_is_retried(world: World) -> None:
    world.containers.outcome = lambda task: Outcome(int(task.environment["AWS_BATCH_JOB_ATTEMPT"] == "1"))
    job_id = world.submit(retryStrategy={"attempts": 3})
    world.clock.run()
    job = world.job(job_id)
    assert job["status"] == "SUCCEEDED"
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [1, 0]
    assert world.statuses(job_id) == [*STATUSES[:4], "RUNNABLE", *STATUSES[2:]]


@pytest.mark.parametrize(
    ("outcome", "attempts"),
    [
        (Outcome(None, "ResourceInitializationError: no route"), 3),
        (Outcome(None, "CannotPullContainerError: not found"), 1),
        (Outcome(7), 3),
        (Outcome(1), 1),
    ],
)
def test_first_matching_evaluate_on_exit_rule_decides(world: World, outcome: Outcome, attempts: int) -> None:
    world.containers.outcome = lambda _task: outcome
    rules = [
        {"onReason": "resourceInitializationError:*", "action": "RETRY"},
        {"onExitCode": "7", "onStatusReason": "Essential*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ]
    job_id = world.submit(retryStrategy={"attempts": 3, "evaluateOnExit": rules})
    world.clock.run()
    assert len(world.job(job_id)["attempts"]) == attempts


def test_container_that_cannot_be_started_fails_the_job(world: World) -> None:
    world.containers.outcome = lambda _task: Outcome(None, "CannotPullContainerError: not found")
    job_id = world.submit()
    world.clock.run()
    job = world.job(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert job["container"]["reason"] == "CannotPullContainerError: not found"
    assert not {"exitCode", "logStreamName"} & job["container"].keys()


def test_job_that_times_out_is_not_retried(world: World) -> None:
    world.containers.run_seconds = lambda _task: 1_000.0
    job_id = world.submit(timeout={"attemptDurationSeconds": 90}, retryStrategy={"attempts": 3})
    world.clock.run()
    job = world.job(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert job["stoppedAt"] - job["startedAt"] == 90_000
    assert len(job["attempts"]) == 1


def test_terminated_running_job_fails_with_the_reason(world: World) -> None:
    job_id = world.submit(retryStrategy={"attempts": 3})
    world.clock.advance(START_SECONDS + 1)
    world.client.terminate_job(jobId=job_id, reason="enough")
    world.clock.run()
    job = world.job(job_id)
    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "enough", True)
    assert job["container"]["exitCode"] == 143
    world.client.terminate_job(jobId=job_id, reason="again")  # changes nothing
    assert world.job(job_id)["statusReason"] == "enough"


def test_terminated_starting_job_fails_without_running(world: World) -> None:
    job_id = world.submit()
    world.clock.advance(1)
    world.client.terminate_job(jobId=job_id, reason="enough")
    world.clock.run()
    assert world.statuses(job_id) == ["PENDING", "RUNNABLE", "STARTING", "FAILED"]


def test_cancel_ends_waiting_jobs_only(world: World) -> None:
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


def test_deleting_a_queue_terminates_its_jobs(world: World) -> None:
    job_id = world.submit()
    world.clock.advance(START_SECONDS)
    with pytest.raises(ClientError, match="disable it first"):
        world.client.delete_job_queue(jobQueue="queue")
    world.client.update_job_queue(jobQueue="queue", state="DISABLED")
    world.client.delete_job_queue(jobQueue="queue")
    world.clock.run()
    assert world.job(job_id)["statusReason"] == "Job Queue was deleted"


def test_only_the_newest_ended_jobs_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_ENDED_JOBS", 3)
    ids = [world.submit(f"job-{number}") for number in range(5)]
    world.clock.run()
    known = world.client.describe_jobs(jobs=ids)["jobs"]
    assert [job["jobId"] for job in known] == ids[2:]


def test_list_jobs_selects_by_status_or_filters(world: World) -> None:
    first, second = world.submit("load-1"), world.submit("store-1")
    world.clock.run()

    def listed(**criteria: Any) -> list[str]:
        return [
            job["jobId"] for job in world.client.list_jobs(jobQueue="queue", **criteria)["jobSummaryList"]
        ]

    assert listed() == []  # RUNNING is the default
    assert listed(jobStatus="SUCCEEDED") == [second, first]
    assert listed(filters=[{"name": "JOB_NAME", "values": ["load*"]}]) == [first]
    assert listed(filters=[{"name": "JOB_DEFINITION", "values": ["other"]}]) == []


INVALID: dict[str, tuple[dict[str, Any], str]] = {
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


@pytest.mark.parametrize(("members", "message"), INVALID.values(), ids=INVALID)
def test_invalid_submission_is_rejected(world: World, members: dict[str, Any], message: str) -> None:
    request = {"jobName": "job", "jobQueue": "queue", "jobDefinition": "definition"} | members
    with pytest.raises(ClientError, match=message) as raised:
        world.client.submit_job(**request)
    assert raised.value.response["Error"]["Code"] == "ClientException"


def test_disabled_queue_rejects_jobs(world: World) -> None:
    world.client.update_job_queue(jobQueue="queue", state="DISABLED")
    with pytest.raises(ClientError, match="is DISABLED"):
        world.submit()


def test_newest_revision_of_a_job_definition_is_used(world: World) -> None:
    first = world.register({**CONTAINER, "command": ["new"]})
    world.submit()
    world.clock.run()
    assert world.containers.started[0].command == ("new",)
    world.client.deregister_job_definition(jobDefinition=first)
    described = world.client.describe_job_definitions(jobDefinitionName="definition", status="ACTIVE")
    assert [item["revision"] for item in described["jobDefinitions"]] == [1]


def test_unsupported_log_driver_is_rejected_at_submission(world: World) -> None:
    world.register({**CONTAINER, "logConfiguration": {"logDriver": "splunk"}})
    with pytest.raises(ClientError, match="does not support the log driver splunk"):
        world.submit()


def test_unimplemented_operation_is_rejected_by_name(world: World) -> None:
    with pytest.raises(ClientError, match="does not implement batch:ListSchedulingPolicies"):
        world.client.list_scheduling_policies()


def test_queue_name_in_use_is_rejected(world: World) -> None:
    with pytest.raises(ClientError, match="Object already exists"):
        world.create_queue("queue", priority=1)


def test_failing_event_receiver_does_not_stop_jobs(world: World) -> None:
    def fail(_event: object) -> None:
        raise RuntimeError("raised by the test")

    world.on_event = fail
    job_id = world.submit()
    world.clock.run()
    assert world.job(job_id)["status"] == "SUCCEEDED"


def test_event_receiver_may_submit_a_job(world: World) -> None:
    submitted: list[str] = []

    def submit_another(event: Any) -> None:
        if event.detail["status"] == "SUCCEEDED" and not submitted:
            submitted.append(world.submit("another"))

    world.on_event = submit_another
    world.submit()
    world.clock.run()
    assert world.job(submitted[0])["status"] == "SUCCEEDED"

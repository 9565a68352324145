"""Many executions and many threads."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

from stepline.localaws.clock import SystemClock, Timer
from stepline.localaws.codepipeline import CodePipeline, Settings
from stepline.localaws.codepipeline.models import (
    ActionExecution,
    Artifact,
    Job,
    PipelineExecution,
    StageExecution,
)
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import in_process_client
from tests.fakes.s3 import FakeS3
from tests.fakes.sts import FakeSts
from tests.localaws.codepipeline.fakes import FakeLambda, FakeSource, World, pipeline, service_clients

ARN = "arn:aws:codepipeline:us-east-1:000000000000:app"
KEPT = (PipelineExecution, StageExecution, ActionExecution, Job, Artifact, Timer)


def test_memory_is_bounded_over_1000_executions() -> None:
    world = World(Settings(start_on_create=False, kept_executions=20))
    service = world.service

    def function(job: dict[str, Any]) -> None:  # without boto3, which would take most of the time
        token = {} if "continuationToken" in job["data"] else {"continuationToken": "more"}
        service.put_job_success_result({"jobId": job["id"], **token})

    def run(count: int) -> int:
        for _ in range(count):
            service.start_from_event(ARN, rule_arn="arn:aws:events:us-east-1:000000000000:rule/r")
            world.clock.run()
        gc.collect()
        return sum(isinstance(item, KEPT) for item in gc.get_objects())

    world.lambda_.functions["trigger"] = function
    world.create()
    before = run(50)
    after = run(950)

    assert after <= before
    summaries = world.client.list_pipeline_executions(pipelineName="app")["pipelineExecutionSummaries"]
    assert len(summaries) == 20


def test_number_of_kept_jobs_of_an_action_is_limited() -> None:
    world = World(Settings(start_on_create=False, kept_jobs_per_action=3))
    world.lambda_.functions["trigger"] = lambda job: world.succeed(job, continuationToken="more")
    world.create()
    world.start()
    world.clock.advance(10)

    codes = []
    for job in world.lambda_.jobs:
        try:
            world.succeed(job)
        except world.client.exceptions.ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert codes[:-3] == ["JobNotFoundException"] * (len(codes) - 3)
    assert codes[-3:] == ["InvalidJobStateException"] * 3


def test_threads_on_the_real_clock_do_not_deadlock_and_events_stay_in_order() -> None:
    clock = SystemClock()
    lambda_ = FakeLambda()
    events: list[AwsEvent] = []
    finished = threading.Semaphore(0)

    def on_event(event: AwsEvent) -> None:
        events.append(event)
        if event.detail_type.startswith("CodePipeline Pipeline") and event.detail["state"] == "SUCCEEDED":
            finished.release()

    service = CodePipeline(
        Context(clock, on_event),
        clients=service_clients(FakeS3(), FakeSts(), lambda_),
        sources={"CodeCommit": FakeSource()},
        settings=Settings(start_on_create=False, continuation_seconds=0.001),
    )
    client = in_process_client(service)

    def put_result(job: dict[str, Any]) -> None:
        time.sleep(0.001)
        token = {} if "continuationToken" in job["data"] else {"continuationToken": "more"}
        client.put_job_success_result(jobId=job["id"], **token)

    lambda_.functions["trigger"] = put_result
    try:
        client.create_pipeline(pipeline=pipeline(executionMode="PARALLEL"))
        executions = [client.start_pipeline_execution(name="app")["pipelineExecutionId"] for _ in range(25)]
        assert all(finished.acquire(timeout=20) for _ in executions)
    finally:
        service.close()
        clock.close()

    for execution_id in executions:
        states = [event.detail["state"] for event in events if event.detail["execution-id"] == execution_id]
        assert states == ["STARTED"] * 3 + ["SUCCEEDED"] * 2 + ["STARTED"] * 2 + ["SUCCEEDED"] * 3


def test_event_may_start_a_pipeline() -> None:
    world = World()
    chained: list[str] = []

    def on_event(event: AwsEvent) -> None:
        world.events.append(event)
        if event.detail["state"] == "SUCCEEDED" and "stage" not in event.detail and not chained:
            chained.append(service.start_from_event(ARN, rule_arn="arn:aws:events:::rule/r"))

    service = CodePipeline(
        Context(world.clock, on_event),
        clients=service_clients(world.s3, world.sts, world.lambda_),
        sources={"CodeCommit": world.source},
        settings=world.settings,
    )
    world.client = in_process_client(service)
    world.lambda_.functions["trigger"] = world.succeed
    world.create()

    first = world.run()

    assert world.event_names(first)[-1] == "pipeline SUCCEEDED"
    assert world.event_names(chained[0]) == world.event_names(first)

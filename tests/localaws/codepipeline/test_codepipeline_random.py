"""Random requests and results: no execution hangs, no action runs twice."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.codepipeline.fakes import World, lambda_action, stage
from tests.localaws.codepipeline.workers import Polled, custom_action, custom_type, poll

STEPS = 60
EXPECTED = {
    "ConcurrentPipelineExecutionsLimitExceededException",
    "ConflictException",
    "DuplicatedStopRequestException",
    "InvalidJobStateException",
    "InvalidNonceException",
    "NotLatestPipelineExecutionException",
    "PipelineExecutionNotStoppableException",
    "StageNotRetryableException",
}
FINAL = {"Succeeded", "Failed", "Stopped", "Superseded"}


class RandomRequests:
    """Makes random requests to a pipeline of three stages."""

    def __init__(self, seed: int, mode: str) -> None:
        self.mode = mode
        self.random = random.Random(seed)
        self.world = World()
        self.world.lambda_.functions["trigger"] = self.function
        self.world.client.create_custom_action_type(**custom_type())
        self.world.create(
            stage("Test", lambda_action("A"), custom_action("B"), lambda_action("C", runOrder=2)),
            stage("Deploy", lambda_action()),
            executionMode=mode,
        )
        self.executions: list[str] = []
        self.in_stage: defaultdict[str, set[str]] = defaultdict(set)
        self.checked = 0
        self.polled: list[Polled] = []
        self.claims: Counter[str] = Counter()

    def function(self, job: dict[str, Any]) -> None:
        if self.random.random() < 0.05:
            raise RuntimeError("the function crashed")
        if self.random.random() < 0.9:
            self.put_result(job)

    def put_result(self, job: dict[str, Any]) -> None:
        chance = self.random.random()
        if chance < 0.65:
            self.world.succeed(job)
        elif chance < 0.92:
            self.world.succeed(job, continuationToken="more")
        else:
            self.world.fail(job)

    def step(self) -> None:
        request = self.random.choice(
            [
                *(
                    self.start,
                    self.start,
                    self.stop,
                    self.retry,
                    self.late_result,
                    self.transition,
                    self.wait,
                ),
                *(self.poll, self.claim, self.claim, self.late_result_of_worker),
            ]
        )
        try:
            request()
        except ClientError as error:
            if error.response["Error"]["Code"] not in EXPECTED:
                raise
        self.check()

    def start(self) -> None:
        self.executions.append(self.world.start())

    def stop(self) -> None:
        if self.executions:
            self.world.client.stop_pipeline_execution(
                pipelineName="app",
                pipelineExecutionId=self.random.choice(self.executions),
                abandon=self.random.random() < 0.5,
            )

    def retry(self) -> None:
        if self.executions:
            self.world.client.retry_stage_execution(
                pipelineName="app",
                stageName=self.random.choice(["Source", "Test", "Deploy"]),
                pipelineExecutionId=self.random.choice(self.executions),
                retryMode=self.random.choice(["FAILED_ACTIONS", "ALL_ACTIONS"]),
            )

    def late_result(self) -> None:
        if self.world.lambda_.jobs:
            self.put_result(self.random.choice(self.world.lambda_.jobs[-6:]))

    def poll(self) -> None:
        self.polled += poll(self.world, maxBatchSize=3)

    def claim(self) -> None:
        """Acknowledge a job that any worker has polled, and put a result."""
        if self.polled:
            job = self.random.choice(self.polled[-4:])
            status = self.world.client.acknowledge_job(jobId=job["id"], nonce=job["nonce"])["status"]
            self.claims[job["id"]] += status == "InProgress"
            self.put_result(job)

    def late_result_of_worker(self) -> None:
        if self.polled:
            self.put_result(self.random.choice(self.polled[-4:]))

    def transition(self) -> None:
        transition: dict[str, Any] = {
            "pipelineName": "app",
            "stageName": "Deploy",
            "transitionType": "Inbound",
        }
        if self.random.random() < 0.5:
            self.world.client.disable_stage_transition(**transition, reason="Random")
        else:
            self.world.client.enable_stage_transition(**transition)

    def wait(self) -> None:
        self.world.clock.advance(self.random.choice([0, 1, 5, 200, 1300]))

    def check(self) -> None:
        """Check that no stage processes two executions at a time, except in mode PARALLEL."""
        in_stage = self.in_stage
        for event in self.world.events[self.checked :]:
            self.checked += 1
            detail = event.detail
            if "stage" in detail and "action" not in detail:
                if detail["state"] in {"STARTED", "RESUMED", "STOPPING"}:
                    in_stage[detail["stage"]].add(detail["execution-id"])
                else:
                    in_stage[detail["stage"]].discard(detail["execution-id"])
                assert self.mode == "PARALLEL" or len(in_stage[detail["stage"]]) <= 1

    def settle(self) -> None:
        self.world.client.enable_stage_transition(
            pipelineName="app", stageName="Deploy", transitionType="Inbound"
        )
        self.world.clock.run()


@pytest.mark.parametrize("mode", ["SUPERSEDED", "QUEUED", "PARALLEL"])
@pytest.mark.parametrize("seed", range(5))
def test_every_execution_ends(seed: int, mode: str) -> None:
    requests = RandomRequests(seed, mode)
    for _ in range(STEPS):
        requests.step()
    requests.settle()

    assert set(requests.claims.values()) <= {0, 1}
    assert poll(requests.world) == []
    statuses = {execution_id: requests.world.status(execution_id) for execution_id in requests.executions}
    assert set(statuses.values()) <= FINAL
    for execution_id in requests.executions:
        actions = requests.world.actions(execution_id)
        assert all(action["status"] != "InProgress" for action in actions)
        names = Counter(requests.world.event_names(execution_id))
        runs = Counter(f"action {action['stageName']}/{action['actionName']}" for action in actions)
        for name, count in runs.items():
            ends = sum(names[f"{name} {state}"] for state in ("SUCCEEDED", "FAILED", "ABANDONED"))
            assert names[f"{name} STARTED"] == ends == count
    for state in requests.world.client.get_pipeline_state(name="app")["stageStates"]:
        assert "inboundExecution" not in state

"""Runs many pipeline executions at once, in pipelines that share one trigger and one state machine.

A pipeline can have 50 executions in progress, so there is one pipeline for each 50. The transitions to the
stage Deploy are disabled until all executions wait there; then each of them deploys a stack.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load.local_aws import DeployedLocalAws

EXECUTIONS_PER_PIPELINE = 50
"""Maximum in progress, in the modes QUEUED and PARALLEL [CodePipeline quotas]."""

STACK_PREFIX = "dev-load-"
_STAGE = "Deploy"
_PIPELINE = "stepline"
_REPOSITORY = "stepline-app"
_POLL_SECONDS = 0.5
_FIRST_EXECUTION_SECONDS = 300.0
_CLIENT_THREADS = 8

_PROPERTIES = {
    "TimeoutMinutes": "120",
    "Parameters": json.dumps({"stackName": "load-#{codepipeline.PipelineExecutionId}"}),
}


@dataclass(frozen=True)
class Burst:
    """Started executions by pipeline, and the seconds from their transition until the last one ended."""

    started: dict[str, list[str]]
    in_progress_at_once: int
    seconds: float

    @property
    def count(self) -> int:
        return sum(len(executions) for executions in self.started.values())


def run(
    local_aws: DeployedLocalAws, *, executions: int, time_limit_seconds: float, report: Callable[[str], None]
) -> Burst:
    """Run the executions; the application must be committed. Raises TimeoutError if they do not all end."""
    pipelines = _create_pipelines(local_aws, math.ceil(executions / EXECUTIONS_PER_PIPELINE))
    _set_transitions(local_aws, pipelines, enabled=False)
    started = _start(local_aws, pipelines, executions)
    report(f"{executions} executions are started, in {len(pipelines)} pipelines")
    deadline = time.monotonic() + time_limit_seconds
    _wait(
        lambda: _count_waiting(local_aws, pipelines) == executions,
        deadline,
        "not all executions reach the stage Deploy",
    )
    in_progress = _statuses(local_aws, pipelines)["InProgress"]
    report(f"{in_progress} are in progress and start to deploy")
    begin = time.monotonic()
    _set_transitions(local_aws, pipelines, enabled=True)

    def all_ended() -> bool:
        running = _statuses(local_aws, pipelines)["InProgress"]
        report(f"{running} of {executions} are in progress, after {time.monotonic() - begin:.0f} s")
        return running == 0

    _wait(all_ended, deadline, "not all executions end")
    return Burst(started, in_progress, time.monotonic() - begin)


def commit(local_aws: DeployedLocalAws, folder: Path) -> None:
    """Commit the files of `folder`, which starts the pipeline of the stack, and wait until it succeeds."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    local_aws.client("codecommit").create_commit(
        repositoryName=_REPOSITORY,
        branchName="main",
        putFiles=[
            {"filePath": str(path.relative_to(folder)), "fileContent": path.read_bytes()} for path in files
        ],
    )
    deadline = time.monotonic() + _FIRST_EXECUTION_SECONDS
    _wait(
        lambda: _statuses(local_aws, [_PIPELINE]) == {"Succeeded": 1},
        deadline,
        "the first execution does not succeed",
    )


def _create_pipelines(local_aws: DeployedLocalAws, count: int) -> list[str]:
    client = local_aws.client("codepipeline")
    model = client.get_pipeline(name=_PIPELINE)["pipeline"]
    names = [f"load-{number:02}" for number in range(1, count + 1)]
    for name in names:
        client.create_pipeline(pipeline=_copy(model, name))
    return names


def _copy(model: Any, name: str) -> Any:
    pipeline = copy.deepcopy(model) | {"name": name, "executionMode": "PARALLEL", "version": 1}
    _deploy_action(pipeline)["configuration"] = _PROPERTIES
    return pipeline


def _deploy_action(pipeline: Any) -> Any:
    (action,) = next(stage for stage in pipeline["stages"] if stage["name"] == _STAGE)["actions"]
    return action


def _set_transitions(local_aws: DeployedLocalAws, pipelines: list[str], *, enabled: bool) -> None:
    client = local_aws.client("codepipeline")
    for name in pipelines:
        transition = {"pipelineName": name, "stageName": _STAGE, "transitionType": "Inbound"}
        if enabled:
            client.enable_stage_transition(**transition)
        else:
            client.disable_stage_transition(**transition, reason="until all executions wait")


def _start(local_aws: DeployedLocalAws, pipelines: list[str], executions: int) -> dict[str, list[str]]:
    client = local_aws.client("codepipeline")
    started: dict[str, list[str]] = {name: [] for name in pipelines}
    turns = [pipelines[number % len(pipelines)] for number in range(executions)]

    def start(name: str) -> None:
        started[name].append(client.start_pipeline_execution(name=name)["pipelineExecutionId"])

    with ThreadPoolExecutor(_CLIENT_THREADS) as pool:
        list(pool.map(start, turns))
    return started


def _count_waiting(local_aws: DeployedLocalAws, pipelines: list[str]) -> int:
    """Return the number of executions whose source action has succeeded."""
    client = local_aws.client("codepipeline")
    pages = client.get_paginator("list_action_executions")
    return sum(
        detail["actionName"] == "Source" and detail["status"] == "Succeeded"
        for name in pipelines
        for page in pages.paginate(pipelineName=name)
        for detail in page["actionExecutionDetails"]
    )


def _statuses(local_aws: DeployedLocalAws, pipelines: list[str]) -> Counter[str]:
    pages = local_aws.client("codepipeline").get_paginator("list_pipeline_executions")
    return Counter(
        summary["status"]
        for name in pipelines
        for page in pages.paginate(pipelineName=name)
        for summary in page["pipelineExecutionSummaries"]
    )


def _wait(condition: Callable[[], bool], deadline: float, message: str) -> None:
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(message)
        time.sleep(_POLL_SECONDS)

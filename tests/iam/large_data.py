"""Scenarios of inputs and outputs above 256 KB."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace
from typing import Any

from pipeline.action_properties import parse_action_properties
from pipeline.execution_input import execution_input
from pipeline.job_event import parse_custom_job
from stepline.core.large_data import LargeDataStore, S3Reference
from tests.iam.custom_actions import end_of_action, interrupted_worker, running_action, sweep_runs
from tests.iam.other_resources import INPUT_BUCKET
from tests.iam.pipeline import Pipeline, job_event

_MACHINE = "iam-express"
_KEY = "large.json"
_LARGE = json.dumps({"items": ["x" * 1000] * 300, "url": "https://shop"})


def large_input_of_a_repeated_job_is_stored_once(system: Pipeline) -> None:
    job = str(uuid.uuid4())
    _put_large_input(system)
    for _ in range(2):
        parameters = {"inputS3": f"s3://{INPUT_BUCKET}/{_KEY}"}
        system.invoke("trigger", job_event(parameters, job=job))
    assert len(_versions(system, job)) == 1


def missing_large_output_of_a_lambda_action_is_reported(system: Pipeline) -> None:
    job = str(uuid.uuid4())
    parameters = {"stateMachine": _MACHINE, "input": {"output": _missing(system)}}
    system.invoke("trigger", job_event(parameters, job=job))


def large_input_of_an_interrupted_worker_is_found(system: Pipeline) -> None:
    """The worker was killed after it had stored the input, which Deploy then refuses."""
    _put_large_input(system)
    configuration = {"InputFile": f"s3://{INPUT_BUCKET}/{_KEY}"}
    with interrupted_worker(system, configuration) as (target, details):
        job = parse_custom_job(details)
        clients: Any = SimpleNamespace(s3=system.client("s3"))
        store = LargeDataStore(clients.s3, _bucket(system))
        execution_input(job, parse_action_properties(job.configuration), job.id, clients, store)
        sweep_runs(system)
        action = end_of_action(system, target)
    assert "s3Reference" in action["output"]["executionResult"]["errorDetails"]["message"]
    assert len(_versions(system, job.id)) == 1


def missing_large_output_of_a_custom_action_is_reported(system: Pipeline) -> None:
    configuration = {"StateMachine": _MACHINE, "Input": json.dumps({"output": _missing(system)})}
    with running_action(system, configuration) as target:
        action = end_of_action(system, target)
    assert action["status"] == "Succeeded"
    summary = action["output"]["executionResult"]["externalExecutionSummary"]
    assert "does not exist (any more) in this version" in summary


def _missing(system: Pipeline) -> dict[str, Any]:
    key = f"outputs/{uuid.uuid4()}.json"
    return {"s3Reference": S3Reference(_bucket(system), key, "1", 2, "A" * 43 + "=").to_json()}


def _put_large_input(system: Pipeline) -> None:
    system.client("s3").put_object(Bucket=INPUT_BUCKET, Key=_KEY, Body=_LARGE.encode())


def _versions(system: Pipeline, job: str) -> list[Any]:
    found = system.client("s3").list_object_versions(Bucket=_bucket(system), Prefix=f"inputs/{job}/")
    return list(found["Versions"])


def _bucket(system: Pipeline) -> str:
    return system.resources["LargeDataBucket"]

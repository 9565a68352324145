"""Credentials and user input stay out of the log, and credentials out of results and inputs.

An earlier bug: the event, the environment and the credentials were written to the log.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pipeline import trigger
from pipeline.job_event import parse_job
from tests.pipeline.world import SECRETS, LambdaContext, World, artifact

MARK = "mark-of-the-user"


def _job_with_user_input(world: World) -> dict[str, Any]:
    return world.first_job({"input": {"secret": MARK}})


def _job_with_output_artifact(world: World) -> dict[str, Any]:
    return world.first_job(
        {"input": {"secret": MARK}}, outputArtifacts=[artifact("Out", "out")], inputArtifacts=[]
    )


def _job_with_denied_artifact(world: World) -> dict[str, Any]:
    world.s3.fail_next("GetObject", "AccessDenied", status=403)
    return world.first_job()


def _job_with_throttled_artifact(world: World) -> dict[str, Any]:
    world.s3.fail_next("GetObject", "SlowDown", status=503)
    return world.first_job()


JOBS: dict[str, Callable[[World], dict[str, Any]]] = {
    "user input": _job_with_user_input,
    "unknown key": lambda world: world.first_job({MARK: 1}),
    "missing file": lambda world: world.first_job(f"{MARK}.json"),
    "missing object": lambda world: world.first_job(f"s3://{MARK}/key"),
    "invalid token": lambda world: world.first_job(continuationToken=MARK),
    "malformed event": lambda world: world.first_job(inputArtifacts=MARK),
    "denied artifact": _job_with_denied_artifact,
    "throttled artifact": _job_with_throttled_artifact,
    "output artifact": _job_with_output_artifact,
}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("log_event", ["false", "true"])
def test_credentials_and_user_input_are_not_disclosed(
    world: World,
    job: str,
    log_event: str,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", log_event)
    monkeypatch.setattr(trigger, "_trigger", lambda: world.trigger)
    caplog.set_level(logging.DEBUG)
    event = JOBS[job](world)
    world.codepipeline.open_jobs.add(event["CodePipeline.job"]["id"])
    trigger.handler(event, LambdaContext())
    results = json.dumps(world.codepipeline.results)
    inputs = "".join(execution.input for execution in world.stepfunctions.executions.values())
    output = capfd.readouterr()
    log = output.out + output.err + "".join(str(vars(record)) for record in caplog.records)
    assert "Job result reported" in log
    for secret in SECRETS:
        assert secret not in results + inputs + log
    assert MARK not in log


def test_representation_of_a_job_has_no_credentials(world: World) -> None:
    text = repr(parse_job(world.first_job()))
    assert not any(secret in text for secret in SECRETS)


def test_debug_log_of_botocore_stays_off() -> None:
    """It has the signed requests."""
    for name in ("botocore", "urllib3"):
        assert logging.getLogger(name).getEffectiveLevel() > logging.DEBUG

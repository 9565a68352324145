"""Bug 8: the event, the environment and the credentials were written to the log."""

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


def scenarios(world: World) -> list[tuple[dict[str, Any], Callable[[], None]]]:
    def nothing() -> None:
        pass

    with_artifact = world.first_job(
        {"input": {"secret": MARK}}, outputArtifacts=[artifact("Out", "out")], inputArtifacts=[]
    )
    return [
        (world.first_job({"input": {"secret": MARK}}), nothing),
        (world.first_job({MARK: 1}), nothing),
        (world.first_job(f"{MARK}.json"), nothing),
        (world.first_job(f"s3://{MARK}/key"), nothing),
        (world.first_job(continuationToken=MARK), nothing),
        (world.first_job(inputArtifacts=MARK), nothing),
        (world.first_job(), lambda: world.s3.fail_next(403, "AccessDenied")),
        (world.first_job(), lambda: world.s3.fail_next(503, "SlowDown")),
        (with_artifact, nothing),
    ]


@pytest.mark.parametrize("number", range(9))
@pytest.mark.parametrize("log_event", ["false", "true"])
def test_bug_8_no_credential_and_no_event_in_log_answer_token_or_input(
    world: World,
    number: int,
    log_event: str,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", log_event)
    monkeypatch.setattr(trigger, "_trigger", lambda: world.trigger)
    caplog.set_level(logging.DEBUG)
    event, arrange = scenarios(world)[number]
    arrange()
    world.codepipeline.open_jobs.add(event["CodePipeline.job"]["id"])
    trigger.handler(event, LambdaContext())
    answers = json.dumps(world.codepipeline.answers)
    inputs = "".join(execution.input for execution in world.stepfunctions.executions.values())
    written = capfd.readouterr()
    log = written.out + written.err + "".join(str(vars(record)) for record in caplog.records)
    assert "Job result reported" in log
    for secret in SECRETS:
        assert secret not in answers + inputs + log
    assert MARK not in log


def test_bug_8_credentials_are_not_shown_by_the_job(world: World) -> None:
    shown = repr(parse_job(world.first_job()))
    assert not any(secret in shown for secret in SECRETS)


def test_botocores_debug_log_which_has_signed_requests_stays_off() -> None:
    for name in ("botocore", "urllib3"):
        assert logging.getLogger(name).getEffectiveLevel() > logging.DEBUG

"""Runs bad input through the whole trigger, and checks what must hold for any input."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.errors import JobEventError
from pipeline.job_event import JOB_ID
from tests.bad_input.contents import bytes_of, content_of
from tests.bad_input.observed import USER_VALUE, observed
from tests.bad_input.outcome import Outcome, check_message
from tests.bad_input.zip_model import Archive, Member
from tests.fakes.sparse_file import Content
from tests.pipeline.world import (
    ARTIFACT_BUCKET,
    ARTIFACT_KEY,
    MACHINE,
    SECRETS,
    LambdaContext,
    World,
)

JOB = "11111111-abcd-4111-8111-abcdef000001"
FIRST_JOB = "22222222-abcd-4222-8222-abcdef000002"
INPUT_FILE = "state_machine_input.json"
INPUT_OBJECT = ("inputs", "input.json")
_EFFECTS = {"StartExecution", "StartSyncExecution", "StopExecution", "PutObject"}
_RESULTS = {"PutJobSuccessResult", "PutJobFailureResult"}
_MAX_MESSAGE_CHARACTERS = 5_000

MAX_CALLS = 12
"""The calls of all services for one job: five ranges of an archive, the job's details, its result."""


def run(given: Mapping[str, Any]) -> Outcome:
    return send(*arrange(given))


def send(world: World, event: Any) -> Outcome:
    """Send `event` to the trigger. The error is the type of the failure, or JobEventError without a job."""
    job_id = _job_id(event)
    if job_id is not None:
        world.codepipeline.open_jobs.add(job_id)
    world.forget_calls()
    raised = ""
    with observed() as log:
        try:
            world.trigger.handle(event, LambdaContext())  # type: ignore[arg-type]
        except JobEventError as error:
            raised = error.message
    outcome = _outcome(world, job_id, raised)
    _check_calls(world, event, outcome)
    check_message(outcome.message, max_characters=_MAX_MESSAGE_CHARACTERS)
    assert "This is a bug" not in outcome.message
    _check_secrets(event, outcome, log.text, json.dumps(world.codepipeline.results))
    return outcome


def _job_id(event: Any) -> str | None:
    job = event.get("CodePipeline.job") if isinstance(event, dict) else None
    found = job.get("id") if isinstance(job, dict) else None
    return found if isinstance(found, str) and JOB_ID.fullmatch(found) else None


def _outcome(world: World, job_id: str | None, raised: str) -> Outcome:
    result: Mapping[str, Any] = {} if job_id is None else world.codepipeline.results.get(job_id, {})
    failure = result.get("failureDetails", {})
    return Outcome(
        error="JobEventError" if raised else failure.get("type", ""),
        message=raised or failure.get("message") or result.get("executionDetails", {}).get("summary", ""),
        started=tuple(execution.input for execution in world.stepfunctions.executions.values()),
        calls=tuple(world.calls),
        requests=len(world.s3.requests),
        read_bytes=world.s3.read_bytes,
    )


def _check_calls(world: World, event: Any, outcome: Outcome) -> None:
    if outcome.error == "JobEventError":
        assert _job_id(event) is None, "a job that could have had a result got none"
        assert outcome.calls == ()
    else:
        results = [call for call in outcome.calls if call in _RESULTS]
        assert len(results) == len(world.codepipeline.results) == 1
    if outcome.error:
        assert not _EFFECTS & set(outcome.calls), "a failed job has started or stopped something"
    assert len(outcome.calls) <= MAX_CALLS


def _check_secrets(event: Any, outcome: Outcome, log: str, results: str) -> None:
    shown = outcome.message + results + "".join(outcome.started)
    for secret in SECRETS:
        assert secret not in shown
        assert secret not in log
    assert USER_VALUE not in log
    token = _token(event)
    if token is not None and token in outcome.error:
        return  # Hypothesis takes texts from our own modules: this one is part of the error's name
    assert token is None or len(token) < 10 or (token not in log and token not in outcome.message)


def _token(event: Any) -> str | None:
    try:
        token = event["CodePipeline.job"]["data"]["continuationToken"]
    except (KeyError, TypeError, IndexError):
        return None
    return token if isinstance(token, str) else None


def arrange(given: Mapping[str, Any]) -> tuple[World, Any]:
    """Return a world with what the case describes, and the event to send.

    Members, all optional: `userParameters`, `artifact` and `object` (contents), `input` (content of the
    default input file in a valid archive), `token` (content, or `{"members": …}` that replace those of a
    valid token), `environment`, `event` (the whole of it), `edits` of a valid event.
    """
    world = World()
    if "environment" in given:
        world.configure(**given["environment"])
    world.s3.put(ARTIFACT_BUCKET, ARTIFACT_KEY, _artifact(given))
    if "object" in given:
        world.s3.put(*INPUT_OBJECT, content_of(given["object"]))
    event = world.first_job(_user_parameters(given.get("userParameters")), job_id=JOB)
    if "token" in given:
        event["CodePipeline.job"]["data"]["continuationToken"] = _given_token(world, given["token"])
    for edit in given.get("edits", []):
        _edit(event["CodePipeline.job"], edit)
    return world, given.get("event", event)


def _user_parameters(given: Any) -> Any:
    """Return the text of a content; any other object is sent as JSON."""
    is_content = isinstance(given, dict) and {"text", "repeat", "join", "hex"} & given.keys()
    return bytes_of(given).decode(errors="surrogatepass") if is_content else given


def _artifact(given: Mapping[str, Any]) -> Content:
    if "artifact" in given:
        return content_of(given["artifact"])
    content = bytes_of(given["input"]) if "input" in given else b'{"environmentName": "test"}'
    return Archive((Member(INPUT_FILE.encode(), content),)).build()


def _given_token(world: World, given: Any) -> str:
    if not isinstance(given, dict) or "members" not in given:
        return bytes_of(given).decode(errors="surrogatepass")
    now = int(world.now)
    arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:codepipeline-{FIRST_JOB}"
    valid = {"v": 1, "job": FIRST_JOB, "since": now, "percent": 0, "execution": arn, "started": now}
    return json.dumps({**valid, **given["members"]})


def _edit(job: Any, edit: Mapping[str, Any]) -> None:
    """Apply `{"at": "data.inputArtifacts.0.name", "put": value}`; without `put` the member is removed."""
    *path, last = (int(part) if re.fullmatch(r"\d+", part) else part for part in edit["at"].split("."))
    place = job
    for part in path:
        place = place[part]
    if "put" not in edit:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(edit["put"])
    else:
        place[last] = edit["put"]

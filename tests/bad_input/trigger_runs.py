"""One bad thing, given to the trigger as a whole; and what must hold whatever it was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import JobEventError
from pipeline.job_event import JOB_ID
from tests.bad_input.contents import bytes_of, content_of
from tests.bad_input.observed import USER_VALUE, observed
from tests.bad_input.zip_model import Archive, Member
from tests.pipeline.fake_s3 import Content
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
_ACTS = {"StartExecution", "StartSyncExecution", "StopExecution", "PutObject"}
_ANSWERS = {"PutJobSuccessResult", "PutJobFailureResult"}

MAX_CALLS = 12
"""Of all services, for one job: 5 ranges of an archive, its lookups, its answer."""


@dataclass(frozen=True)
class Told:
    """What CodePipeline was told: `type` of the failure, empty if there was none.

    `raised` is the error of an event that has no job to answer.
    """

    type: str
    message: str
    raised: str = ""
    inputs: tuple[str, ...] = ()  # of the executions that were started
    requests: int = 0
    read_bytes: int = 0


def tell(world: World, event: Any) -> Told:
    """Send `event`; what came of it. Asserts what holds for everything that can be sent."""
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
    told = _told(world, job_id, raised)
    _check(world, event, told)
    _check_secrets(event, told, log.text, json.dumps(world.codepipeline.answers))
    return told


def _job_id(event: Any) -> str | None:
    job = event.get("CodePipeline.job") if isinstance(event, dict) else None
    found = job.get("id") if isinstance(job, dict) else None
    return found if isinstance(found, str) and JOB_ID.fullmatch(found) else None


def _told(world: World, job_id: str | None, raised: str) -> Told:
    answer: Mapping[str, Any] = {} if job_id is None else world.codepipeline.answers.get(job_id, {})
    failure = answer.get("failureDetails", {})
    return Told(
        type=failure.get("type", ""),
        message=raised or failure.get("message") or answer.get("executionDetails", {}).get("summary", ""),
        raised="JobEventError" if raised else "",
        inputs=tuple(execution.input for execution in world.stepfunctions.executions.values()),
        requests=len(world.s3.requests),
        read_bytes=world.s3.read_bytes,
    )


def _check(world: World, event: Any, told: Told) -> None:
    answers = [call for call in world.calls if call in _ANSWERS]
    if told.raised:
        assert _job_id(event) is None, "a job that could have been answered was not"
        assert world.calls == []
    else:
        assert len(answers) == len(world.codepipeline.answers) == 1
    assert told.message
    assert told.message.isprintable()
    assert "This is a bug" not in told.message
    if told.type:
        assert not _ACTS & set(world.calls), "a failed job has started or stopped something"
    assert len(world.calls) <= MAX_CALLS


def _check_secrets(event: Any, told: Told, log: str, answers: str) -> None:
    shown = told.message + answers + "".join(told.inputs)
    for secret in SECRETS:
        assert secret not in shown
        assert secret not in log
    assert USER_VALUE not in log
    assert USER_VALUE not in told.message
    token = _token(event)
    assert token is None or len(token) < 10 or (token not in log and token not in told.message)


def _token(event: Any) -> str | None:
    try:
        token = event["CodePipeline.job"]["data"]["continuationToken"]
    except (KeyError, TypeError, IndexError):
        return None
    return token if isinstance(token, str) else None


# --------------------------------------------------------------------- what a case file gives


def arrange(give: Mapping[str, Any]) -> tuple[World, Any]:
    """A world with what the case gives, and the event to send.

    Members, all optional: `userParameters`, `artifact` and `object` (contents), `input` (content of the
    default input file in a sound archive), `token` (content, or `{"members": …}` that are merged
    over a sound token's), `environment`, `event` (the whole of it), `edits` of the sound event.
    """
    world = World()
    if "environment" in give:
        world.configure(**give["environment"])
    world.s3.put(ARTIFACT_BUCKET, ARTIFACT_KEY, _artifact(give))
    if "object" in give:
        world.s3.put(*INPUT_OBJECT, content_of(give["object"]))
    event = world.first_job(_user_parameters(give.get("userParameters")), job_id=JOB)
    if "token" in give:
        event["CodePipeline.job"]["data"]["continuationToken"] = _given_token(world, give["token"])
    for edit in give.get("edits", []):
        _edit(event["CodePipeline.job"], edit)
    return world, give.get("event", event)


def _user_parameters(given: Any) -> Any:
    """A content is sent as its text; any other object as JSON."""
    is_content = isinstance(given, dict) and {"text", "repeat", "join", "hex"} & given.keys()
    return bytes_of(given).decode(errors="surrogatepass") if is_content else given


def _artifact(give: Mapping[str, Any]) -> Content:
    if "artifact" in give:
        return content_of(give["artifact"])
    content = bytes_of(give["input"]) if "input" in give else b'{"environmentName": "test"}'
    return Archive((Member(INPUT_FILE.encode(), content),)).build()


def _given_token(world: World, given: Any) -> str:
    if not isinstance(given, dict) or "members" not in given:
        return bytes_of(given).decode(errors="surrogatepass")
    now = int(world.now)
    arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:codepipeline-{FIRST_JOB}"
    sound = {"v": 1, "job": FIRST_JOB, "since": now, "percent": 0, "execution": arn, "started": now}
    return json.dumps({**sound, **given["members"]})


def _edit(job: Any, edit: Mapping[str, Any]) -> None:
    """`{"at": "data.inputArtifacts.0.name", "put": value}`, or without `put` to remove it."""
    *way, last = (int(part) if re.fullmatch(r"\d+", part) else part for part in edit["at"].split("."))
    place = job
    for part in way:
        place = place[part]
    if "put" not in edit:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(edit["put"])
    else:
        place[last] = edit["put"]

"""One bad thing, given to the Deploy state machine as a whole, or to the task that reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from botocore.model import OperationModel

from stepline.core import clients
from stepline.core.errors import SteplineError
from stepline.core.limits import MAX_MESSAGE_CHARACTERS
from stepline.localaws.protocol.validation import validation_message
from tests.bad_input.contents import bytes_of, content_of
from tests.bad_input.observed import USER_VALUE, observed
from tests.bad_input.zip_model import Archive, Member
from tests.statemachines.cases import BASE, merged
from tests.statemachines.fake_client import FakeAwsError, fake_client
from tests.statemachines.fake_cloudformation import FakeCloudFormation
from tests.statemachines.machine import BUCKET, ENVIRONMENT, INPUT, KEY, Machine, Run, load_handler

CONFIGURATION_FILE = "configuration.json"
_EXECUTION = {"id": "arn:job-1", "name": "job-1", "startTime": "2026-01-01T00:00:00Z", "attempt": 1}


@dataclass(frozen=True)
class Told:
    """How it ended: `error` is empty for a success; `end` is the last state of a whole machine."""

    error: str
    message: str
    end: str = ""


class _StrictCloudFormation(FakeCloudFormation):
    """Refuses every template that the fake does not understand, as CloudFormation would."""

    def answer(self, operation: OperationModel, params: dict[str, Any]) -> dict[str, Any]:
        try:
            result = super().answer(operation, params)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise _template_error() from error
        if operation.output_shape and validation_message(operation.output_shape, result):
            raise _template_error()
        return result


def _template_error() -> FakeAwsError:
    return FakeAwsError("ValidationError", "Template format error: unsupported structure.")


@contextmanager
def deployment() -> Iterator[Machine]:
    """A Deploy state machine whose tasks talk to its fakes."""
    built = Machine()
    built.cloudformation = _StrictCloudFormation(clock=built.clock, s3=built.s3)
    cloudformation = fake_client("cloudformation", built.cloudformation)
    with (
        patch.dict("os.environ", ENVIRONMENT),
        patch.object(clients, "cloudformation", lambda: cloudformation),
        patch.object(clients, "s3", lambda: built.clients["s3"]),
    ):
        yield built


def run_machine(machine: Machine, document: Any) -> Told:
    """The whole execution."""
    with observed() as log:
        run = machine.run(document)
    told = Told(run.error, _message(run), run.path[-1])
    _check(machine, told, log.text)
    return told


def run_task(machine: Machine, document: Any) -> Told:
    """Create Stack alone, which reads all that a user gives; raises what is no error of ours."""
    event = {"request": document, "execution": _EXECUTION}
    error: SteplineError | None = None
    with observed() as log:
        try:
            load_handler("create_stack")(event, None)
        except SteplineError as caught:
            error = caught
    told = Told(type(error).__name__, error.message) if error else Told("", "")
    _check(machine, told, log.text)
    return told


def _message(run: Run) -> str:
    """Lambda's own words are JSON around ours."""
    try:
        return str(json.loads(run.cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return run.cause


def _check(machine: Machine, told: Told, log: str) -> None:
    assert USER_VALUE not in log
    assert USER_VALUE not in told.message
    left = [key for bucket, key in machine.s3.objects if key.startswith("templates/")]
    assert left == []
    if not told.error:
        return
    assert told.message
    assert told.message.isprintable()
    assert len(told.message) <= MAX_MESSAGE_CHARACTERS
    assert not machine.cloudformation.stacks
    assert not machine.cloudformation.change_sets


# --------------------------------------------------------------------- what a case file gives


def arrange(machine: Machine, give: Mapping[str, Any]) -> Any:
    """Push what the case gives; the execution's input.

    Members, all optional: `template`, `configuration` and `artifact` (contents), `input` (members
    that are merged over a sound input, null removes one), `wholeInput` (instead of all of it).
    """
    document = merged(INPUT, give.get("input", {}))
    template = give.get("template", {"json": BASE})
    members = [Member(INPUT["templatePath"].encode(), bytes_of(template))]  # type: ignore[attr-defined]
    if "configuration" in give:
        document = {"templateConfigurationPath": CONFIGURATION_FILE, **document}
        members.append(Member(CONFIGURATION_FILE.encode(), bytes_of(give["configuration"])))
    artifact = content_of(give["artifact"]) if "artifact" in give else Archive(tuple(members)).build()
    machine.s3.objects[BUCKET, KEY] = bytes(artifact[0 : len(artifact)])
    return give.get("wholeInput", document)

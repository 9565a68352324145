"""Runs bad input through the Deploy state machine, or through the task that reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.model import OperationModel

from stepline.core.errors import SteplineError
from stepline.localaws.protocol import Params
from stepline.localaws.protocol.validation import validation_message
from tests.bad_input.contents import bytes_of, content_of
from tests.bad_input.observed import USER_VALUE, observed
from tests.bad_input.outcome import Outcome, check_message
from tests.bad_input.zip_model import Archive, Member
from tests.cases import merged
from tests.fakes.cloudformation.change_sets import FakeCloudFormation
from tests.fakes.cloudformation.templates import ValidationError
from tests.fakes.sparse_file import bytes_of as all_bytes
from tests.statemachines.deploy.case_runner import BASE
from tests.statemachines.deploy.machine import (
    BUCKET,
    INPUT,
    KEY,
    DeployExecution,
    Machine,
    load_handler,
)

CONFIGURATION_FILE = "configuration.json"
_EXECUTION = {"id": "arn:job-1", "name": "job-1", "startTime": "2026-01-01T00:00:00Z", "attempt": 1}


class _StrictCloudFormation(FakeCloudFormation):
    """Refuses every template that the fake does not understand, as CloudFormation would."""

    def call(self, operation: OperationModel, document: Any) -> Params:
        try:
            result = super().call(operation, document)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValidationError("Template format error: unsupported structure.") from error
        if operation.output_shape and validation_message(operation.output_shape, result):
            raise ValidationError("Template format error: unsupported structure.")
        return result


@contextmanager
def deployment() -> Iterator[Machine]:
    with Machine(cloudformation_class=_StrictCloudFormation).connected() as machine:
        yield machine


def run(given: Mapping[str, Any]) -> Outcome:
    """Run a whole execution."""
    with deployment() as machine:
        document = arrange(machine, given)
        with observed() as log:
            execution = machine.run(document)
        outcome = Outcome(execution.error, _message(execution))
        _check(machine, outcome, log.text)
        if outcome.error:
            assert execution.path[-1] == "Failure Clean"
        else:
            assert machine.cloudformation.stacks
        return outcome


def run_task(machine: Machine, document: Any) -> Outcome:
    """Run only Create Stack, which reads all input; an error that is not ours is raised."""
    event = {"request": document, "execution": _EXECUTION}
    error: SteplineError | None = None
    with observed() as log:
        try:
            load_handler("create_stack")(event, None)
        except SteplineError as caught:
            error = caught
    outcome = Outcome(type(error).__name__, error.message) if error else Outcome("", "")
    _check(machine, outcome, log.text)
    return outcome


def _message(execution: DeployExecution) -> str:
    """Return our message, also where Lambda's JSON is around it."""
    try:
        return str(json.loads(execution.cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return execution.cause


def _check(machine: Machine, outcome: Outcome, log: str) -> None:
    assert USER_VALUE not in log
    assert [key for _, key in machine.s3.objects if key.startswith("templates/")] == []
    if outcome.error:
        check_message(outcome.message)
        assert not machine.cloudformation.stacks
        assert not machine.cloudformation.change_sets


def arrange(machine: Machine, given: Mapping[str, Any]) -> Any:
    """Push what the case describes, and return the execution's input.

    Members, all optional: `template`, `configuration` and `artifact` (contents), `input` (members that are
    merged over a valid input, null removes one), `wholeInput` (instead of all of it).
    """
    document = merged(INPUT, given.get("input", {}))
    template = given.get("template", {"json": BASE})
    members = [Member(INPUT["templatePath"].encode(), bytes_of(template))]  # type: ignore[attr-defined]
    if "configuration" in given:
        document = {"templateConfigurationPath": CONFIGURATION_FILE, **document}
        members.append(Member(CONFIGURATION_FILE.encode(), bytes_of(given["configuration"])))
    artifact = content_of(given["artifact"]) if "artifact" in given else Archive(tuple(members)).build()
    machine.s3.put(BUCKET, KEY, all_bytes(artifact))
    return given.get("wholeInput", document)

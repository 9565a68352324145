"""What is pushed: a template whose parameter `Size` is the number of the push, so that a stack shows it."""

from __future__ import annotations

import enum
import json
from typing import Any

from tests.cases import merged
from tests.statemachines.deploy.case_runner import BASE

ENVIRONMENT_NAME = "dev"
STACK_PREFIX = f"{ENVIRONMENT_NAME}-"
_LARGE_CHARACTERS = 60_000
"""A template of this size goes through S3: in a request it may have 51,200 bytes."""


class Kind(enum.StrEnum):
    VALID = "valid"
    LARGE = "large"  # valid, and goes through S3
    FAILING = "failing"  # CloudFormation starts and rolls back
    INVALID = "invalid"  # CloudFormation refuses it

    @property
    def should_succeed(self) -> bool:
        return self in {Kind.VALID, Kind.LARGE}


_FAILURE = {"Resources": {"Topic": {"Properties": {"FailCreate": "No", "FailUpdate": "No"}}}}


def files(kind: Kind, revision: int, *, stack: str) -> dict[str, str]:
    """Return the files of the repository after the push."""
    document = {
        "environmentName": ENVIRONMENT_NAME,
        "stackName": stack,
        "templatePath": "template.json",
        "parameters": {"Size": str(revision)},
    }
    return {"state_machine_input.json": json.dumps(document), "template.json": _template(kind)}


def _template(kind: Kind) -> str:
    template: dict[str, Any] = BASE
    match kind:
        case Kind.INVALID:
            return "not a template"
        case Kind.FAILING:
            template = merged(BASE, _FAILURE)
        case Kind.LARGE:
            template = {**BASE, "Metadata": {"Padding": "x" * _LARGE_CHARACTERS}}
    return json.dumps(template)


def revision_of(execution_input: str) -> int:
    """Return the number of the push that an execution deploys."""
    return int(json.loads(execution_input)["parameters"]["Size"])

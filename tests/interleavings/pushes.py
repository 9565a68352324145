"""What is pushed: a template whose parameter `Size` says which push it is, so a stack tells whose it is."""

from __future__ import annotations

import enum
import json
from typing import Any

from tests.statemachines.cases import BASE, merged

ENVIRONMENT_NAME = "dev"
STACK_PREFIX = f"{ENVIRONMENT_NAME}-"
_LARGE_CHARACTERS = 60_000
"""More than a template may have that is not handed over in S3 [51,200 bytes]."""


class Kind(enum.StrEnum):
    GOOD = "good"
    LARGE = "large"  # good, too, and goes through S3
    FAILING = "failing"  # CloudFormation begins and rolls back
    BROKEN = "broken"  # CloudFormation refuses it

    @property
    def should_succeed(self) -> bool:
        return self in {Kind.GOOD, Kind.LARGE}


_FAILURE = {"Resources": {"Topic": {"Properties": {"FailCreate": "No", "FailUpdate": "No"}}}}


def files(kind: Kind, revision: int, *, stack: str) -> dict[str, str]:
    """The repository's files after the push."""
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
        case Kind.BROKEN:
            return "not a template"
        case Kind.FAILING:
            template = merged(BASE, _FAILURE)
        case Kind.LARGE:
            template = {**BASE, "Metadata": {"Padding": "x" * _LARGE_CHARACTERS}}
    return json.dumps(template)


def revision_of(execution_input: str) -> int:
    """Which push an execution deploys."""
    return int(json.loads(execution_input)["parameters"]["Size"])

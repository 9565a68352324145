"""The workflow updater's macro: CloudFormation invokes it, and is told the definition, or why there is none.

CloudFormation asks once. What AWS's clients do not make good by trying again is told as a failure, and
whoever deploys does it again; what is told as a success is the definition, whole.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

from tests.faults.kinds import CLASSES, Fault
from tests.faults.system import SystemWorld, Way

_FUNCTION = "InjectDefinitionFunction"
_KEY, _VERSION = "definitions/sample.asl.json", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
_SECRET = "S3CR3T-OF-A-DEFINITION"
_DEFINITION = json.dumps(
    {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "Comment": _SECRET, "End": True}}}
)
_MADE_GOOD = set(CLASSES["once"]) - {Fault.CUT_SHORT_ONCE}
"""By the client, which has answered already when a body breaks off."""
_BROKEN = json.dumps({"StartAt": "Nowhere", "States": {}})


def _event(version: str) -> Any:
    return {
        "region": "us-east-1",
        "accountId": "000000000000",
        "transformId": "000000000000::WorkflowDefinition",
        "requestId": "request-1",
        "params": {"Key": _KEY, "Version": {"Ref": "DefinitionVersion"}},
        "templateParameterValues": {"DefinitionVersion": version},
        "fragment": {"RoleArn": "arn:aws:iam::000000000000:role/r", "Definition": {"of": "the template"}},
    }


def _asked(world: SystemWorld, *, version: str, definition: str) -> None:
    if definition:
        world.s3.put(world.bucket("DefinitionsBucket"), _KEY, definition.encode())
    world.answers.append(json.dumps(world.call(_FUNCTION, _event(version)), sort_keys=True))


def _whole_or_told(world: SystemWorld, *, wanted: dict[str, Any]) -> Iterator[str]:
    """A success has the definition; a failure says why; what the client makes good changes nothing."""
    (text,) = world.answers
    answer = json.loads(text)
    if answer is None:
        return  # the function died: CloudFormation says so itself
    if answer["status"] == "success" and answer.get("fragment") != wanted.get("fragment"):
        yield f"CloudFormation was given {answer.get('fragment')}"
    if answer["status"] == "failure" and not answer["errorMessage"]:
        yield "a failure without its reason"
    if answer["requestId"] != "request-1":
        yield "the answer is to another request"
    if world.schedule.faults <= _MADE_GOOD and answer["status"] != wanted["status"]:
        yield f"what the client tries again made a {answer['status']}: {answer.get('errorMessage')}"


def _way(case: str, wanted: dict[str, Any], *, version: str = _VERSION, definition: str = _DEFINITION) -> Way:
    return Way(
        "workflow",
        case,
        functools.partial(_asked, version=version, definition=definition),
        always=functools.partial(_whole_or_told, wanted=wanted),
        secrets=(_SECRET,),
        is_steady=False,
    )


_PROPERTIES = {"RoleArn": "arn:aws:iam::000000000000:role/r"}

WAYS = (
    _way("injected", {"status": "success", "fragment": {**_PROPERTIES, "DefinitionString": _DEFINITION}}),
    _way(
        "not_yet",
        {"status": "success", "fragment": {**_PROPERTIES, "Definition": {"of": "the template"}}},
        version="",
    ),
    _way("gone", {"status": "failure"}, definition=""),
    _way("broken", {"status": "failure"}, definition=_BROKEN),
)

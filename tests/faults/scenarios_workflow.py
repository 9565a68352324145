"""The macro of the workflow updater: CloudFormation calls it and gets the definition, or the reason of a
failure.

CloudFormation calls it once. What the retries of AWS's clients do not solve is reported as a failure, and the
user deploys again; a success always has the whole definition.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

from tests.faults.schedule import CLASSES, Fault
from tests.faults.system_scenario import SystemScenario
from tests.faults.system_world import SystemWorld

_FUNCTION = "InjectDefinitionFunction"
_KEY, _VERSION = "definitions/sample.asl.json", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
_SECRET = "S3CR3T-OF-A-DEFINITION"
_DEFINITION = json.dumps(
    {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "Comment": _SECRET, "End": True}}}
)
_OTHER_DEFINITION, _OTHER_VERSION = _DEFINITION.replace("Only", "Other"), "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH"
_INVALID = json.dumps({"StartAt": "Nowhere", "States": {}})
_PROPERTIES = {"RoleArn": "arn:aws:iam::000000000000:role/r"}
_RETRIED_BY_CLIENT = set(CLASSES["once"]) - {Fault.CUT_SHORT_ONCE}
"""When a body breaks off, the client has returned already."""


def _event(version: str) -> Any:
    return {
        "region": "us-east-1",
        "accountId": "000000000000",
        "transformId": "000000000000::WorkflowDefinition",
        "requestId": "request-1",
        "params": {"Key": _KEY, "Version": {"Ref": "DefinitionVersion"}},
        "templateParameterValues": {"DefinitionVersion": version},
        "fragment": {**_PROPERTIES, "Definition": {"of": "the template"}},
    }


def _call_macro(world: SystemWorld, *, version: str, definition: str) -> None:
    if definition:
        world.s3.put(world.bucket("DefinitionsBucket"), _KEY, definition.encode(), version=_VERSION)
    world.responses.append(json.dumps(world.call(_FUNCTION, _event(version)), sort_keys=True))


def _call_macro_for_an_older_definition(world: SystemWorld) -> None:
    """After the change set was created, a developer has uploaded another definition."""
    bucket = world.bucket("DefinitionsBucket")
    world.s3.put(bucket, _KEY, _DEFINITION.encode(), version=_VERSION)
    world.s3.put(bucket, _KEY, _OTHER_DEFINITION.encode(), version=_OTHER_VERSION)
    world.responses.append(json.dumps(world.call(_FUNCTION, _event(_VERSION)), sort_keys=True))


def _check(world: SystemWorld, *, expected: dict[str, Any]) -> Iterator[str]:
    """A success has the definition, a failure has a reason, and the client's retries change nothing."""
    (text,) = world.responses
    response = json.loads(text)
    if response is None:
        return  # the function was killed, which CloudFormation reports itself
    if response["status"] == "success" and response.get("fragment") != expected.get("fragment"):
        yield f"CloudFormation got {response.get('fragment')}"
    if response["status"] == "failure" and not response["errorMessage"]:
        yield "a failure without a reason"
    if response["requestId"] != "request-1":
        yield "the response is for another request"
    if world.schedule.faults <= _RETRIED_BY_CLIENT and response["status"] != expected["status"]:
        yield f"a fault that the client retries led to {response['status']}: {response.get('errorMessage')}"


def _scenario(
    case: str, expected: dict[str, Any], *, version: str = _VERSION, definition: str = _DEFINITION
) -> SystemScenario:
    return SystemScenario(
        "workflow",
        case,
        functools.partial(_call_macro, version=version, definition=definition),
        check=functools.partial(_check, expected=expected),
        secrets=(_SECRET,),
        is_resilient=False,
    )


SCENARIOS = (
    _scenario(
        "injected", {"status": "success", "fragment": {**_PROPERTIES, "DefinitionString": _DEFINITION}}
    ),
    _scenario(
        "no_definition_yet",
        {"status": "success", "fragment": {**_PROPERTIES, "Definition": {"of": "the template"}}},
        version="",
    ),
    SystemScenario(
        "workflow",
        "newer_definition",
        _call_macro_for_an_older_definition,
        check=functools.partial(
            _check,
            expected={
                "status": "success",
                "fragment": {**_PROPERTIES, "DefinitionString": _DEFINITION},
            },
        ),
        secrets=(_SECRET,),
        is_resilient=False,
    ),
    _scenario("missing_definition", {"status": "failure"}, definition=""),
    _scenario("invalid_definition", {"status": "failure"}, definition=_INVALID),
)

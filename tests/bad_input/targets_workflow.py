"""The workflow updater's macro: what CloudFormation may hand over, and definitions that may be uploaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.bad_input.contents import bytes_of
from tests.bad_input.observed import USER_VALUE
from tests.bad_input.strategies import any_value, json_texts, mutated
from tests.bad_input.system_runs import Group, Told, invoke, kind
from tests.bad_input.targets import Target
from tests.faults.system import SystemWorld
from tests.faults.ways import of_systems
from tests.statemachines.cases import merged

_WAY = of_systems()["workflow/injected"]
_KEY = "definitions/sample.asl.json"
_STATES = {"Only": {"Type": "Pass", "Comment": USER_VALUE, "Result": {"a": "${Greeting}"}, "End": True}}
_DEFINITION = {"StartAt": "Only", "TimeoutSeconds": 60, "States": _STATES}
_EVENT = {
    "region": "us-east-1",
    "accountId": "000000000000",
    "transformId": "000000000000::WorkflowDefinition",
    "requestId": "request-1",
    "params": {"Key": {"Ref": "DefinitionKey"}, "Version": {"Ref": "DefinitionVersion"}},
    "templateParameterValues": {"DefinitionKey": _KEY, "DefinitionVersion": "IYV3p45BT0ac8hjHg1houSdS1a"},
    "fragment": {
        "RoleArn": "arn:aws:iam::000000000000:role/r",
        "Definition": {"of": "the template"},
        "DefinitionSubstitutions": {"Greeting": "Hello"},
    },
}


def _injected(event: Any, definition: bytes) -> Told:
    """The macro's own failure, `macro`, as its error; a success has kept all that is no definition."""

    def put(world: SystemWorld) -> None:
        world.s3.put(world.bucket("DefinitionsBucket"), _KEY, definition)

    told = invoke(_WAY, "InjectDefinitionFunction", event, prepare=put)
    if told.error:
        return told
    answer = told.answer
    assert answer["status"] in {"success", "failure"}
    if answer["status"] == "failure":
        assert answer.keys() == {"requestId", "status", "errorMessage"}
        message = answer["errorMessage"]
        assert message
        assert message.isprintable()
        assert USER_VALUE not in message
        return replace(told, error="macro", message=message, answer=None)
    assert "errorMessage" not in answer
    return replace(told, answer=answer["fragment"])


def _macro_event(give: Mapping[str, Any]) -> Told:
    """`event`: members that are merged over a sound event, null removes one; or `wholeEvent`."""
    event = give["wholeEvent"] if "wholeEvent" in give else merged(_EVENT, give["event"])
    return _injected(event, json.dumps(_DEFINITION).encode())


def _definition(give: Mapping[str, Any]) -> Told:
    """`definition`, a content: what lies under the key, in the version that the template names."""
    return _uploaded(bytes_of(give["definition"]))


def _uploaded(definition: bytes) -> Told:
    told = _injected(_EVENT, definition)
    if not told.error:
        assert told.answer["DefinitionString"].encode() == definition
        assert "Definition" not in told.answer
    return told


GROUPS: Mapping[str, Group] = {"workflow_macro_events": _macro_event, "workflow_definitions": _definition}

TARGETS = (
    Target(
        "macro events",
        st.one_of(mutated(_EVENT), any_value),
        lambda event: kind(_injected(event, json.dumps(_DEFINITION).encode())),
        50,
    ),
    Target(
        "workflow definitions",
        json_texts(st.one_of(mutated(_DEFINITION), any_value)),
        lambda definition: kind(_uploaded(definition)),
        50,
    ),
)

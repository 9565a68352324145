"""The macro of the workflow updater: requests of CloudFormation, and definitions that may be uploaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.bad_input.contents import bytes_of
from tests.bad_input.observed import USER_VALUE
from tests.bad_input.outcome import Outcome, check_message
from tests.bad_input.strategies import any_value, json_texts, mutated
from tests.bad_input.system_runner import Group, invoke
from tests.bad_input.targets import Target
from tests.cases import merged
from tests.faults.scenarios import system_scenarios
from tests.faults.system_world import SystemWorld

_SCENARIO = system_scenarios()["workflow/injected"]
_KEY, _VERSION = "definitions/sample.asl.json", "IYV3p45BT0ac8hjHg1houSdS1a"
_STATES = {"Only": {"Type": "Pass", "Comment": USER_VALUE, "Result": {"a": "${Greeting}"}, "End": True}}
_DEFINITION = {"StartAt": "Only", "TimeoutSeconds": 60, "States": _STATES}
_EVENT = {
    "region": "us-east-1",
    "accountId": "000000000000",
    "transformId": "000000000000::WorkflowDefinition",
    "requestId": "request-1",
    "params": {"Key": {"Ref": "DefinitionKey"}, "Version": {"Ref": "DefinitionVersion"}},
    "templateParameterValues": {"DefinitionKey": _KEY, "DefinitionVersion": _VERSION},
    "fragment": {
        "RoleArn": "arn:aws:iam::000000000000:role/r",
        "Definition": {"of": "the template"},
        "DefinitionSubstitutions": {"Greeting": "Hello"},
    },
}


def _inject(event: Any, definition: bytes) -> Outcome:
    """Call the macro; the error of a failure that it reports is `macro`, the answer is the fragment."""

    def put(world: SystemWorld) -> None:
        world.s3.put(world.bucket("DefinitionsBucket"), _KEY, definition, version=_VERSION)

    outcome = invoke(_SCENARIO, "InjectDefinitionFunction", event, prepare=put)
    if outcome.error:
        return outcome
    answer = outcome.answer
    assert answer["status"] in {"success", "failure"}
    if answer["status"] == "failure":
        assert answer.keys() == {"requestId", "status", "errorMessage"}
        check_message(answer["errorMessage"])
        return replace(outcome, error="macro", message=answer["errorMessage"], answer=None)
    assert "errorMessage" not in answer
    return replace(outcome, answer=answer["fragment"])


def _macro_event(given: Mapping[str, Any]) -> Outcome:
    """`event`: members that are merged over a valid event, null removes one; or `wholeEvent`."""
    event = given["wholeEvent"] if "wholeEvent" in given else merged(_EVENT, given["event"])
    return _inject(event, json.dumps(_DEFINITION).encode())


def _definition(given: Mapping[str, Any]) -> Outcome:
    """`definition`, a content: the object in the version that the template names."""
    return _upload(bytes_of(given["definition"]))


def _upload(definition: bytes) -> Outcome:
    outcome = _inject(_EVENT, definition)
    if not outcome.error:
        assert outcome.answer["DefinitionString"].encode() == definition
        assert "Definition" not in outcome.answer
    return outcome


GROUPS: Mapping[str, Group] = {"workflow_macro_events": _macro_event, "workflow_definitions": _definition}

TARGETS = (
    Target(
        "macro events",
        st.one_of(mutated(_EVENT), any_value),
        lambda event: _inject(event, json.dumps(_DEFINITION).encode()).kind,
        50,
    ),
    Target(
        "workflow definitions",
        json_texts(st.one_of(mutated(_DEFINITION), any_value)),
        lambda definition: _upload(definition).kind,
        50,
    ),
)

"""The rollout: inputs, failures of deployments that are explained, and answers to requests for approval."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.bad_input.contents import content_of
from tests.bad_input.outcome import Outcome
from tests.bad_input.strategies import any_value, mutated
from tests.bad_input.system_runner import Group, invoke
from tests.bad_input.targets import Target
from tests.cases import merged, read_case
from tests.fakes.sparse_file import bytes_of
from tests.faults.scenarios import system_scenarios
from tests.faults.system_world import SystemWorld
from tests.statemachines.approvals.approvers import PROOF
from tests.statemachines.deploy.machine import artifact
from tests.system_template import PROJECT

_EVENTS = PROJECT / "local_events"
_SCENARIO = system_scenarios()["rollout/two_waves"]
_EVENT = read_case(_EVENTS / "plan_rollout/two_waves.json")
_FAILURE = read_case(_EVENTS / "explain_target_failure/failed_deployment.json")
_ANSWER = {"id": "0123456789ab-1", "decision": "approve", "proof": PROOF}
_STATE = read_case(_EVENTS / "finish_wave/first_wave.json")


def _input(given: Mapping[str, Any]) -> Outcome:
    """`input`: members that are merged over a valid input, null removes one; or `wholeInput`; or `file`, the
    content of `targets.json` in the artifact.
    """
    if "file" in given:
        return _plan_file(bytes_of(content_of(given["file"])))
    document = given["wholeInput"] if "wholeInput" in given else merged(_EVENT["input"], given["input"])
    return _plan(document)


def _plan(document: Any) -> Outcome:
    return invoke(_SCENARIO, "PlanRolloutFunction", {**_EVENT, "input": document})


def _plan_file(content: bytes) -> Outcome:
    document = merged(_EVENT["input"], {"targets": None, "targetsPath": "targets.json"})

    def put(world: SystemWorld) -> None:
        files = {"targets.json": content}
        world.s3.put(document["revisionS3Bucket"], document["revisionS3Key"], artifact(files))

    return invoke(_SCENARIO, "PlanRolloutFunction", {**_EVENT, "input": document}, prepare=put)


def _failure(given: Mapping[str, Any]) -> Outcome:
    """`error` and `cause`, as Step Functions caught them; a cause that is not text is written as JSON."""
    cause = given["cause"] if isinstance(given["cause"], str) else json.dumps(given["cause"])
    return _explain({**_FAILURE, "failure": {"Error": given["error"], "Cause": cause}})


def _explain(event: Any) -> Outcome:
    return invoke(_SCENARIO, "ExplainTargetFailureFunction", event)


def _answer(given: Mapping[str, Any]) -> Outcome:
    """`event`: members that are merged over a valid event, null removes one; or `wholeEvent`."""
    return _answer_event(given["wholeEvent"] if "wholeEvent" in given else merged(_ANSWER, given["event"]))


def _answer_event(event: Any) -> Outcome:
    return invoke(_SCENARIO, "AnswerWaveApprovalFunction", event)


GROUPS: Mapping[str, Group] = {
    "rollout_inputs": _input,
    "rollout_failures": _failure,
    "wave_approval_answers": _answer,
}

TARGETS = (
    Target(
        "rollout input",
        st.one_of(mutated(_EVENT["input"]), any_value),
        lambda document: _plan(document).kind,
        60,
    ),
    Target(
        "wave approval answer",
        st.one_of(mutated(_ANSWER), any_value),
        lambda event: _answer_event(event).kind,
        60,
    ),
    Target(
        "rollout failure",
        mutated(_FAILURE),
        lambda event: _explain(event).kind,
        60,
    ),
)

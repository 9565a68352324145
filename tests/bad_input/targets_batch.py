"""The batch workflow: inputs of its executions, and errors of jobs that are explained."""

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
from tests.fakes.sparse_file import Content
from tests.faults.scenarios import system_scenarios
from tests.faults.system_world import SystemWorld
from tests.system_template import PROJECT

_EVENTS = PROJECT / "local_events"
_SCENARIO = system_scenarios()["batch/three_steps"]
_VALID_INPUT = read_case(_EVENTS / "validate_input/three_steps.json")["input"]
_FAILED_JOB = read_case(_EVENTS / "explain_failure/failed_job.json")


def _input(given: Mapping[str, Any]) -> Outcome:
    """`input`: members that are merged over a valid input, null removes one; or `wholeInput`; or `object`,
    the content of the object that the input names.
    """
    if "object" in given:
        return _validate_file(content_of(given["object"]))
    return _validate(given["wholeInput"] if "wholeInput" in given else merged(_VALID_INPUT, given["input"]))


def _validate(document: Any) -> Outcome:
    event = {"executionName": "nightly", "input": document}
    return invoke(_SCENARIO, "ValidateInputFunction", event)


def _validate_file(data: Content) -> Outcome:
    document = {"bucket": "incoming", "key": "in.json", "size": 1, "version": None}
    event = {"executionName": "nightly", "input": document}

    def put(world: SystemWorld) -> None:
        world.s3.put("incoming", "in.json", data)

    return invoke(_SCENARIO, "ValidateInputFunction", event, prepare=put)


def _failure(given: Mapping[str, Any]) -> Outcome:
    """`error` and `cause`, as Step Functions caught them; a cause that is not text is written as JSON."""
    cause = given["cause"] if isinstance(given["cause"], str) else json.dumps(given["cause"])
    failure = {"Error": given.get("error", "States.TaskFailed"), "Cause": cause}
    return _explain({"jobName": "nightly-step1", "failure": failure})


def _explain(event: Any) -> Outcome:
    return invoke(_SCENARIO, "ExplainFailureFunction", event)


_mutated_causes = mutated(json.loads(_FAILED_JOB["failure"]["Cause"])).map(
    lambda job: _FAILED_JOB | {"failure": {"Error": "States.TaskFailed", "Cause": json.dumps(job)}}
)

GROUPS: Mapping[str, Group] = {"batch_inputs": _input, "batch_failures": _failure}

TARGETS = (
    Target(
        "batch input",
        st.one_of(mutated(_VALID_INPUT), any_value),
        lambda document: _validate(document).kind,
        60,
    ),
    Target(
        "batch failure",
        st.one_of(_mutated_causes, mutated(_FAILED_JOB)),
        lambda event: _explain(event).kind,
        60,
    ),
)

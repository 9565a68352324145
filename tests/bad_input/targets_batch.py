"""The batch workflow: inputs of its executions, and errors of jobs that are to be explained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.bad_input.strategies import any_value, mutated
from tests.bad_input.system_runs import Group, Told, invoke, kind
from tests.bad_input.targets import Target
from tests.faults.ways import of_systems
from tests.statemachines.cases import merged

_EVENTS = Path(__file__).parents[2] / "local_events"
_WAY = of_systems()["batch/three_steps"]


def _example(function: str, name: str) -> Any:
    return json.loads((_EVENTS / function / f"{name}.json").read_text())


def _sound_input() -> Any:
    return _example("validate_input", "three_steps")["input"]


def _input(give: Mapping[str, Any]) -> Told:
    """`input`: members that are merged over a sound input, null removes one; or `wholeInput`."""
    document = give["wholeInput"] if "wholeInput" in give else merged(_sound_input(), give["input"])
    return _validated(document)


def _validated(document: Any) -> Told:
    event = {"executionName": "nightly", "input": document}
    return invoke(_WAY, "ValidateInputFunction", event)


def _failure(give: Mapping[str, Any]) -> Told:
    """`error` and `cause`, as Step Functions caught them; a cause that is no text is written as JSON."""
    cause = give["cause"] if isinstance(give["cause"], str) else json.dumps(give["cause"])
    failure = {"Error": give.get("error", "States.TaskFailed"), "Cause": cause}
    return _explained({"jobName": "nightly-step1", "failure": failure})


def _explained(event: Any) -> Told:
    return invoke(_WAY, "ExplainFailureFunction", event)


def _job_causes() -> Any:
    """The cause of a failed job, with anything wrong inside."""
    event = _example("explain_failure", "failed_job")
    job = json.loads(event["failure"]["Cause"])
    return mutated(job).map(
        lambda document: event | {"failure": {"Error": "States.TaskFailed", "Cause": json.dumps(document)}}
    )


GROUPS: Mapping[str, Group] = {"batch_inputs": _input, "batch_failures": _failure}

TARGETS = (
    Target(
        "batch input",
        st.one_of(mutated(_sound_input()), any_value),
        lambda document: kind(_validated(document)),
        60,
    ),
    Target(
        "batch failure",
        st.one_of(_job_causes(), mutated(_example("explain_failure", "failed_job"))),
        lambda event: kind(_explained(event)),
        60,
    ),
)

"""The definition of the batch workflow."""

from __future__ import annotations

import re
from typing import Any

from statemachines.batch import parameters
from stepline.core import errors
from stepline.localaws.protocol.service import service_model
from tests.statemachines.asl_rules import states, violations
from tests.statemachines.batch.machine import ASL_FILE, HANDLERS, load_asl

STATES: dict[str, Any] = dict(states(load_asl()))
JOBS = {name: state for name, state in STATES.items() if "submitJob" in state.get("Resource", "")}


def test_definition_follows_the_rules_of_all_state_machines() -> None:
    assert violations(load_asl(), errors) == []


def test_every_job_is_waited_for_and_its_failure_explained() -> None:
    assert set(JOBS) == {"Run Step 1 Job", "Run Step 2 Job", "Run Step 3 Job"}
    for name, state in JOBS.items():
        assert state["Resource"] == "arn:${Partition}:states:::batch:submitJob.sync"
        (catch,) = state["Catch"]
        assert catch["Next"] == f"Explain {name.removeprefix('Run ').removesuffix(' Job')} Failure"


def test_only_requests_that_batch_did_not_accept_are_retried() -> None:
    """A failed job (States.TaskFailed) and an invalid request (Batch.ClientException) are not."""
    modeled = {f"Batch.{shape.name}" for shape in service_model("batch").error_shapes}
    for state in JOBS.values():
        retried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
        assert retried & modeled == {"Batch.ServerException"}
        assert all(error.startswith("Batch.") for error in retried)


def test_concurrency_of_every_step_is_limited() -> None:
    maps = [state for state in STATES.values() if state["Type"] == "Map"]
    assert {state["MaxConcurrencyPath"] for state in maps} == {"$.plan.maxConcurrency"}
    assert {state["ItemProcessor"]["ProcessorConfig"]["Mode"] for state in maps} == {"INLINE"}


def test_longest_job_name_has_room_for_the_name_of_an_execution() -> None:
    longest = parameters.MAX_JOB_NAME_CHARACTERS - len(f"-step2-{parameters.MAX_ITEMS - 1}")
    assert longest >= 80  # the longest name of an execution [model]


def test_every_function_is_used() -> None:
    assert set(re.findall(r"\$\{(\w+)FunctionArn\}", ASL_FILE.read_text())) == set(HANDLERS)

"""The definition of the rollout."""

from __future__ import annotations

import re
from typing import Any

from statemachines.approvals import errors as approval_errors
from statemachines.rollout import errors
from stepline.core import errors as core_errors
from stepline.localaws.protocol.service import service_model
from tests.statemachines.asl_rules import states, violations
from tests.statemachines.rollout.machine import ASL_FILE, HANDLERS, load_asl

STATES: dict[str, Any] = dict(states(load_asl()))


def test_definition_follows_the_rules_of_all_state_machines() -> None:
    assert violations(load_asl(), core_errors, errors, approval_errors) == []


def test_deployments_are_waited_for_and_their_failures_explained() -> None:
    state = STATES["Deploy Target"]
    assert state["Resource"] == "arn:${Partition}:states:::states:startExecution.sync:2"
    assert [catch["Next"] for catch in state["Catch"]] == ["Explain Target Failure"]


def test_only_requests_that_step_functions_did_not_accept_are_retried() -> None:
    retried = {error for rule in STATES["Deploy Target"]["Retry"] for error in rule["ErrorEquals"]}
    modeled = {f"StepFunctions.{shape.name}" for shape in service_model("stepfunctions").error_shapes}
    # The model calls it ExecutionLimitExceeded; an integration adds Exception to the name.
    assert {error.removesuffix("Exception") for error in retried} & modeled == {
        "StepFunctions.ExecutionLimitExceeded"
    }
    assert all(error.startswith("StepFunctions.") for error in retried)


def test_concurrency_is_limited() -> None:
    assert STATES["Deploy Wave"]["MaxConcurrencyPath"] == "$.plan.maxConcurrency"
    assert STATES["Deploy Wave"]["ItemProcessor"]["ProcessorConfig"]["Mode"] == "INLINE"


def test_every_function_is_used() -> None:
    assert set(re.findall(r"\$\{(\w+)FunctionArn\}", ASL_FILE.read_text())) == set(HANDLERS)

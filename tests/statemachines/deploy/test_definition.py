"""The text of the Deploy state machine: the rules of all state machines, and some of its own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from statemachines.approvals import errors as approval_errors
from statemachines.approvals.limits import MAX_APPROVAL_MINUTES
from statemachines.deploy import errors as deploy_errors
from stepline.core import errors
from stepline.core.cloudformation import errors as stack_errors
from tests.fakes.clients import client_of
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines import asl_graph, asl_rules
from tests.statemachines.deploy.machine import ASL_FILE, TASKS, definition, function_name, load_asl
from tests.statemachines.execution import ROLE_ARN

STATES: dict[str, dict[str, Any]] = load_asl()["States"]
TASK_STATES = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
SERVICES = {"Count Dirty Failure": "aws-sdk:cloudwatch:putMetricData", "Notify Operators": "sns:publish"}
"""The tasks that call a service: nobody would be notified by a function that cannot be run."""
FUNCTION_STATES = {name: state for name, state in TASK_STATES.items() if name not in SERVICES}


def test_definition_follows_the_rules_of_all_state_machines() -> None:
    assert asl_rules.violations(load_asl(), errors, stack_errors, deploy_errors, approval_errors) == []


def test_execution_is_limited_to_a_day() -> None:
    assert load_asl()["TimeoutSeconds"] == 24 * 3600


def test_tasks_end_within_two_minutes_and_retries_within_ten_attempts() -> None:
    for name, state in TASK_STATES.items():
        if name != "Ask For Approval":
            assert state["TimeoutSeconds"] <= 120, name
        for rule in state["Retry"]:
            assert rule["MaxAttempts"] <= 10, name
            assert rule["MaxDelaySeconds"] <= 60, name


def test_wait_for_an_approval_ends_before_the_execution_and_is_not_repeated() -> None:
    ask = STATES["Ask For Approval"]
    assert ask["TimeoutSecondsPath"] == "$.changeSet.inspection.approval.timeoutSeconds"
    assert not [rule for rule in ask["Retry"] if "States.Timeout" in rule["ErrorEquals"]]
    assert load_asl()["TimeoutSeconds"] > MAX_APPROVAL_MINUTES * 60


def test_task_token_is_passed_only_to_the_function_that_stores_it() -> None:
    assert ASL_FILE.read_text().count("$$.Task.Token") == 1
    assert STATES["Ask For Approval"]["ResultPath"] is None


def test_errors_with_transitions_of_their_own_are_named() -> None:
    """Every other error ends in the Catch for all errors, which each task has."""
    rules = [rule for state in TASK_STATES.values() for rule in [*state["Retry"], *state["Catch"]]]
    named = {error for rule in rules for error in rule["ErrorEquals"]}
    assert {"TransientAwsError", "StackChangedError", "ManualInterventionRequiredError"} <= named


@pytest.mark.parametrize("name", FUNCTION_STATES)
def test_task_calls_a_function_of_the_template(name: str) -> None:
    state = TASK_STATES[name]
    waits = ".waitForTaskToken" if name == "Ask For Approval" else ""
    assert state["Resource"] == f"arn:${{Partition}}:states:::lambda:invoke{waits}"
    expected = {f"${{{function_name(task)}FunctionArn}}" for task in TASKS}
    assert state["Parameters"]["FunctionName"] in expected


@pytest.mark.parametrize(("name", "integration"), SERVICES.items())
def test_notification_calls_a_service_and_cannot_change_the_result(name: str, integration: str) -> None:
    state = STATES[name]
    assert state["Resource"] == f"arn:${{Partition}}:states:::{integration}"
    assert state["ResultPath"] is None
    assert state["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.notificationFailure", "Next": state["Next"]}
    ]


def test_every_dirty_failure_keeps_the_name_of_the_failed_state() -> None:
    """A variable that has no value would end the execution with States.Runtime."""
    dirty = [
        catcher
        for state in TASK_STATES.values()
        for catcher in state["Catch"]
        if catcher["Next"] == "Record Dirty Failure"
    ]
    assert dirty
    assert all(catcher["Assign"] == {"failedState.$": "$$.State.Name"} for catcher in dirty)
    leading = {edge.state for edge in asl_graph.edges(load_asl()) if edge.target == "Record Dirty Failure"}
    assert leading <= TASK_STATES.keys()


def test_every_function_is_used() -> None:
    used = set(re.findall(r"\$\{(\w+)FunctionArn\}", ASL_FILE.read_text()))
    assert used == {function_name(task) for task in TASKS}


def test_state_has_the_name_of_its_handler() -> None:
    """`create_change_set.py` is "Create Change Set"; a second use of a task has a name of its own."""
    handlers = {" ".join(word.capitalize() for word in task.split("_")) for task in TASKS}
    second_uses = {
        "Delete Empty Change Set",
        "Delete Obsolete Change Set",
        "Delete Refused Change Set",
        "Apply Stack Policy To Unchanged Stack",
    }
    assert set(FUNCTION_STATES) - second_uses == handlers - {"Delete Change Set"}


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state["Type"] == "Wait"])
def test_wait_comes_from_the_settings_and_its_loop_ends(name: str) -> None:
    """The task after the Wait gets its last result, so that it can count (`waiting.WaitProgress`)."""
    wait = STATES[name]
    section, _, rest = wait["SecondsPath"].removeprefix("$.").partition(".")
    task = STATES[wait["Next"]]
    assert rest == "progress.waitSeconds"
    assert task["Parameters"]["Payload"][f"{section}.$"] == f"$.{section}"
    assert task["ResultPath"] in {f"$.{section}", f"$.{section}.progress"}


def test_every_loop_has_a_wait_or_is_the_second_attempt() -> None:
    """Without the Waits and without "Start Second Attempt" the graph has no circle."""
    allowed = {name for name, state in STATES.items() if state["Type"] == "Wait"} | {"Start Second Attempt"}
    edges = asl_graph.edges(load_asl())
    following = {name: {edge.target for edge in edges if edge.state == name} for name in STATES}
    remaining = set(STATES) - allowed
    while leaves := {name for name in remaining if not following[name] & remaining}:
        remaining -= leaves
    assert remaining == set()


def test_fail_states_pass_error_and_cause_on() -> None:
    fails = {name: state for name, state in STATES.items() if state["Type"] == "Fail"}
    assert set(fails) == {"Failure Clean", "Failure Dirty"}
    for state in fails.values():
        assert (state["ErrorPath"], state["CausePath"]) == (
            "$.failure.Error",
            "$.failure.Details.errorMessage",
        )


def test_step_functions_accepts_the_definition() -> None:
    service = build_stepfunctions()
    client = client_of(service)
    text = definition(InProcessFunctions({}))
    assert client.validate_state_machine_definition(definition=text)["diagnostics"] == []
    client.create_state_machine(name="deploy", definition=text, roleArn=ROLE_ARN)
    service.close()

"""Rules that the text of the Deploy state machine keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from statemachines.deploy import errors as deploy_errors
from stepline.core import errors
from stepline.core.cloudformation import errors as stack_errors
from stepline.localaws.protocol import in_process_client
from tests.in_process_functions import InProcessFunctions
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.statemachines import asl_graph
from tests.statemachines.machine import ASL_FILE, TASKS, definition, function_name, load_asl

STATES: dict[str, dict[str, Any]] = load_asl()["States"]
TASK_STATES = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
MAX_STATE_NAME_CHARACTERS = 80
LAMBDA_TIMEOUT_SECONDS = 60
"""template.yaml, Globals: a task is given up only after its function was."""

# What Lambda itself reports: "Handle transient Lambda service exceptions" and "Error names" in the
# Step Functions Developer Guide; Runtime.ExitError is the errorType of a process that was killed.
ERROR_MODULES = (errors, stack_errors, deploy_errors)
ERRORS_OF_AWS = re.compile(r"States\.[A-Za-z]+|Lambda\.[A-Za-z]+|Runtime\.ExitError|Sandbox\.Timedout")


def _error_names() -> Iterator[tuple[str, str]]:
    for name, state in TASK_STATES.items():
        for rule in [*state["Retry"], *state["Catch"]]:
            yield from ((name, error) for error in rule["ErrorEquals"])


def test_machine_has_comment_and_timeout() -> None:
    asl = load_asl()
    assert asl["Comment"]
    assert asl["TimeoutSeconds"] == 24 * 3600


@pytest.mark.parametrize("name", STATES)
def test_every_state_has_a_comment_and_a_name_that_fits(name: str) -> None:
    assert len(STATES[name]["Comment"]) > 20
    assert len(name) <= MAX_STATE_NAME_CHARACTERS


@pytest.mark.parametrize("name", TASK_STATES)
def test_every_task_has_timeout_retry_and_catch(name: str) -> None:
    state = TASK_STATES[name]
    assert LAMBDA_TIMEOUT_SECONDS < state["TimeoutSeconds"] <= 120
    retried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
    assert {"TransientAwsError", "Lambda.ServiceException", "States.Timeout"} <= retried
    assert "States.ALL" not in retried  # named only: what cannot succeed is not tried again
    assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
    for rule in state["Retry"]:
        assert rule["MaxAttempts"] <= 10
        assert rule["BackoffRate"] > 1
        assert rule["MaxDelaySeconds"] <= 60


@pytest.mark.parametrize(("state", "error"), sorted(set(_error_names())))
def test_every_error_name_is_one_of_ours_or_of_aws(state: str, error: str) -> None:
    ours = next((getattr(module, error) for module in ERROR_MODULES if hasattr(module, error)), None)
    if ours is None:
        assert ERRORS_OF_AWS.fullmatch(error), f"{state} names {error}, which nobody raises"
    else:
        assert issubclass(ours, errors.SteplineError)
        assert ours.__name__ == error


def test_every_error_of_ours_ends_somewhere() -> None:
    """Each task ends with a catch for all errors, so this is about those that need a way of their own."""
    named = {error for _, error in _error_names()}
    assert {"TransientAwsError", "StackChangedError", "ManualInterventionRequiredError"} <= named


@pytest.mark.parametrize("name", TASK_STATES)
def test_functions_are_substituted(name: str) -> None:
    state = TASK_STATES[name]
    assert state["Resource"] == "arn:aws:states:::lambda:invoke"
    expected = {f"${{{function_name(task)}FunctionArn}}" for task in TASKS}
    assert state["Parameters"]["FunctionName"] in expected


def test_every_function_is_used() -> None:
    used = set(re.findall(r"\$\{(\w+)FunctionArn\}", ASL_FILE.read_text()))
    assert used == {function_name(task) for task in TASKS}


def test_a_state_is_named_as_its_handler() -> None:
    """`create_change_set.py` is "Create Change Set"; a second use of a task has a name of its own."""
    handlers = {" ".join(word.capitalize() for word in task.split("_")) for task in TASKS}
    second = {
        "Delete Empty Change Set",
        "Delete Obsolete Change Set",
        "Delete Refused Change Set",
        "Apply Stack Policy To Unchanged Stack",
    }
    assert set(TASK_STATES) - second == handlers - {"Delete Change Set"}


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state["Type"] == "Wait"])
def test_every_wait_is_a_setting_and_its_loop_has_an_end(name: str) -> None:
    """The task behind the Wait is given what it said last, and so can count (`waiting.Progress`)."""
    wait = STATES[name]
    section, _, rest = wait["SecondsPath"].removeprefix("$.").partition(".")
    task = STATES[wait["Next"]]
    assert rest == "progress.waitSeconds"
    assert task["Parameters"]["Payload"][f"{section}.$"] == f"$.{section}"
    assert task["ResultPath"] in {f"$.{section}", f"$.{section}.progress"}


def test_every_loop_is_a_wait_loop_or_the_second_attempt() -> None:
    """Without the Waits and without "Start Second Attempt" the graph has no circle."""
    allowed = {name for name, state in STATES.items() if state["Type"] == "Wait"} | {"Start Second Attempt"}
    following = {name: {e.target for e in asl_graph.edges(load_asl()) if e.state == name} for name in STATES}
    open_states = set(STATES) - allowed
    while leaves := {name for name in open_states if not following[name] & open_states}:
        open_states -= leaves
    assert open_states == set()


def test_fail_states_carry_error_and_cause() -> None:
    fails = {name: state for name, state in STATES.items() if state["Type"] == "Fail"}
    assert set(fails) == {"Failure Clean", "Failure Dirty"}
    for state in fails.values():
        assert (state["ErrorPath"], state["CausePath"]) == (
            "$.failure.Error",
            "$.failure.Details.errorMessage",
        )


def test_step_functions_accepts_it() -> None:
    service = build_stepfunctions()
    client = in_process_client(service)
    text = definition(InProcessFunctions({}))
    assert client.validate_state_machine_definition(definition=text)["diagnostics"] == []
    client.create_state_machine(name="deploy", definition=text, roleArn="arn:aws:iam::000000000000:role/x")
    service.close()

"""Deployments that must not do harm. Each docstring names the bug of earlier deployers."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.localaws.protocol import AwsError
from tests.fakes.service import Fault
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import PROJECT, TASKS, Machine, load_asl

EXISTING = {"status": "CREATE_COMPLETE"}
REPLACING = {"Queue": {"Properties": {"Name": "another"}}}
GROWING = {"Queue": {"Properties": {"Size": "2"}}}


def test_refused_change_set_is_deleted_and_not_executed(machine: Machine) -> None:
    """The state "Delete Change Set" called the function that executes change sets."""
    for name, state in load_asl()["States"].items():
        if name.startswith("Delete ") and name.endswith(" Change Set"):
            assert state["Parameters"]["FunctionName"] == "${DeleteChangeSetFunctionArn}"
    execution = case_runner.run(machine, {"stack": EXISTING, "resources": REPLACING})
    assert "Delete Refused Change Set" in execution.path
    assert machine.cloudformation.called("ExecuteChangeSet") == []
    assert len(machine.cloudformation.called("DeleteChangeSet")) == 1
    assert machine.cloudformation.change_sets == {}


@pytest.mark.parametrize(
    "reason", ["The submitted information didn't contain changes.", "No updates are to be performed."]
)
def test_push_without_changes_succeeds(machine: Machine, reason: str) -> None:
    """A change set without changes has the status FAILED, and failed the pipeline."""
    machine.cloudformation.change_set_failure = reason
    execution = case_runner.run(machine, {"stack": EXISTING})
    assert (execution.status, execution.output) == ("SUCCEEDED", {"Environment": "dev", "Size": "1"})
    assert machine.cloudformation.change_sets == {}


@pytest.mark.parametrize(
    ("resources", "danger"),
    [
        ({"Topic": None}, "Topic (AWS::SNS::Topic) would be removed from the stack"),
        ({"Queue": {"Properties": {"MayReplace": "x"}}}, "Queue (AWS::SQS::Queue) may be replaced"),
        (REPLACING, "Queue (AWS::SQS::Queue) would be replaced"),
    ],
)
def test_removal_and_possible_replacement_are_refused(
    machine: Machine, resources: dict[str, Any], danger: str
) -> None:
    """Removals were never noticed, as their action is Remove and not Delete; Conditional passed as safe."""
    execution = case_runner.run(machine, {"stack": EXISTING, "resources": resources})
    assert (execution.error, execution.path[-1]) == ("ReplacementRefusedError", "Failure Clean")
    assert execution.cause.startswith(danger)
    assert machine.cloudformation.called("ExecuteChangeSet") == []


def test_update_that_is_rolled_back_fails(machine: Machine) -> None:
    """An update was reported as done when ExecuteChangeSet was merely accepted."""
    machine.cloudformation.accept_seconds = 45
    resources = {"Queue": {"Properties": {"FailUpdate": "Full"}}}
    execution = case_runner.run(machine, {"stack": EXISTING, "resources": resources})
    assert (execution.error, execution.path[-1]) == ("StackUpdateFailedError", "Failure Dirty")
    assert execution.cause.startswith("Queue (AWS::SQS::Queue): Full.")
    assert "UPDATE_ROLLBACK_COMPLETE" in execution.cause


@pytest.mark.parametrize(
    "error",
    [
        AwsError("Rate exceeded", code="Throttling"),
        AwsError("not authorized", code="AccessDenied", status=403),
        AwsError("oops", code="InternalFailure", status=500),
        AwsError("1 validation error detected", code="ValidationError"),
    ],
    ids=lambda error: error.code,
)
def test_stack_is_not_created_when_describe_stacks_fails(machine: Machine, error: AwsError) -> None:
    """Every error of DescribeStacks, a throttle included, was taken for "the stack does not exist"."""
    machine.cloudformation.faults.append(Fault("DescribeStacks", range(1, 100), error))
    execution = case_runner.run(machine, {"stack": EXISTING})
    assert (execution.status, execution.path[-1]) == ("FAILED", "Failure Clean")
    assert machine.cloudformation.called("CreateStack") == []


@pytest.mark.parametrize("operation", ["DescribeStacks", "DescribeChangeSet", "DescribeStackEvents"])
def test_throttled_polls_are_retried(machine: Machine, operation: str) -> None:
    """One error while polling failed the whole action."""
    machine.cloudformation.faults.append(Fault(operation, (2, 3, 4), AwsError("slow", code="Throttling")))
    execution = case_runner.run(machine, {"stack": EXISTING, "resources": GROWING})
    assert execution.status == "SUCCEEDED", execution.cause


def test_no_handler_writes_a_log() -> None:
    """Event and environment were written to the log. What `task` logs is in `test_errors.py`."""
    for name in TASKS:
        text = (PROJECT / f"statemachines/deploy/{name}.py").read_text()
        assert "Logger" not in text
        assert "print(" not in text


@pytest.mark.parametrize(
    ("case", "waiting_for"),
    [
        ({}, "creation"),
        ({"stack": EXISTING, "resources": GROWING}, "change set"),
        ({"stack": {"status": "ROLLBACK_COMPLETE"}}, "deletion"),
        ({"stack": {"status": "UPDATE_IN_PROGRESS"}}, "busy"),
    ],
)
def test_wait_for_an_operation_that_hangs_ends(
    machine: Machine, case: dict[str, Any], waiting_for: str
) -> None:
    """Poll loops had no end."""
    machine.cloudformation.hangs = True
    execution = case_runner.run(machine, case)
    assert execution.error == "WaitTimedOutError"
    assert waiting_for in execution.cause
    assert len(execution.history) < 1_000


def test_wait_for_an_update_that_hangs_ends(machine: Machine) -> None:
    """Poll loops had no end."""
    hang = {"before": "ExecuteChangeSet", "change": "hang"}
    execution = case_runner.run(machine, {"stack": EXISTING, "resources": GROWING, "interference": [hang]})
    assert execution.error == "WaitTimedOutError"
    assert "update of the stack" in execution.cause

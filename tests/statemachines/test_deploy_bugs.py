"""The bugs of earlier implementations that concern the deployment, each impossible here.

Each test names the bug; most run the whole state machine.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.statemachines import cases
from tests.statemachines.fake_client import FakeAwsError, Fault
from tests.statemachines.machine import PROJECT, TASKS, Machine, load_asl

EXISTING = {"status": "CREATE_COMPLETE"}
REPLACING = {"Queue": {"Properties": {"Name": "another"}}}
GROWING = {"Queue": {"Properties": {"Size": "2"}}}


def test_bug_1_delete_change_set_executed_the_change_set(machine: Machine) -> None:
    """Each "… Change Set" state is wired to the function of its own name, and deletes for real."""
    for name, state in load_asl()["States"].items():
        if name.startswith("Delete ") and name.endswith(" Change Set"):
            assert state["Parameters"]["FunctionName"] == "${DeleteChangeSetFunctionArn}"
    run = cases.run(machine, {"stack": EXISTING, "resources": REPLACING})
    assert "Delete Refused Change Set" in run.path
    assert machine.cloudformation.called("ExecuteChangeSet") == []
    assert len(machine.cloudformation.called("DeleteChangeSet")) == 1
    assert machine.cloudformation.change_sets == {}


@pytest.mark.parametrize("words", ["didn't contain changes", "No updates are to be performed."])
def test_bug_2_a_push_that_changes_nothing_failed(machine: Machine, words: str) -> None:
    machine.cloudformation.change_set_failure = words
    run = cases.run(machine, {"stack": EXISTING})
    assert (run.status, run.output) == ("SUCCEEDED", {"Environment": "dev", "Size": "1"})
    assert machine.cloudformation.change_sets == {}


@pytest.mark.parametrize(
    ("resources", "phrase"),
    [
        ({"Topic": None}, "Topic (AWS::SNS::Topic) would be removed from the stack"),
        ({"Queue": {"Properties": {"MayReplace": "x"}}}, "Queue (AWS::SQS::Queue) may be replaced"),
        (REPLACING, "Queue (AWS::SQS::Queue) would be replaced"),
    ],
)
def test_bug_3_deletions_and_conditional_replacements_passed(
    machine: Machine, resources: dict[str, Any], phrase: str
) -> None:
    run = cases.run(machine, {"stack": EXISTING, "resources": resources})
    assert (run.error, run.path[-1]) == ("ReplacementRefusedError", "Failure Clean")
    assert run.cause.startswith(phrase)
    assert machine.cloudformation.called("ExecuteChangeSet") == []


def test_bug_4_update_was_done_when_it_was_merely_accepted(machine: Machine) -> None:
    machine.cloudformation.accept_seconds = 45
    run = cases.run(
        machine, {"stack": EXISTING, "resources": {"Queue": {"Properties": {"FailUpdate": "Full"}}}}
    )
    assert (run.error, run.path[-1]) == ("StackUpdateFailedError", "Failure Dirty")
    assert run.cause.startswith("Queue (AWS::SQS::Queue): Full.")
    assert "UPDATE_ROLLBACK_COMPLETE" in run.cause


@pytest.mark.parametrize(
    "error",
    [
        FakeAwsError("Throttling", "Rate exceeded"),
        FakeAwsError("AccessDenied", "not authorized", 403),
        FakeAwsError("InternalFailure", "oops", 500),
        FakeAwsError("ValidationError", "1 validation error detected"),
    ],
    ids=lambda error: error.code,
)
def test_bug_5_any_error_of_describe_stacks_meant_there_is_no_stack(
    machine: Machine, error: FakeAwsError
) -> None:
    machine.cloudformation.faults.append(Fault("DescribeStacks", tuple(range(1, 100)), error))
    run = cases.run(machine, {"stack": EXISTING})
    assert (run.status, run.path[-1]) == ("FAILED", "Failure Clean")
    assert machine.cloudformation.called("CreateStack") == []


@pytest.mark.parametrize("operation", ["DescribeStacks", "DescribeChangeSet", "DescribeStackEvents"])
def test_bug_6_one_error_while_polling_failed_everything(machine: Machine, operation: str) -> None:
    error = FakeAwsError("Throttling", "Rate exceeded")
    machine.cloudformation.faults.append(Fault(operation, (2, 3, 4), error))
    run = cases.run(machine, {"stack": EXISTING, "resources": GROWING})
    assert run.status == "SUCCEEDED", run.cause


def test_bug_8_event_and_environment_were_logged() -> None:
    """No handler logs; `task` logs names and reasons only (`test_neither_event_nor_answer_is_logged`)."""
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
def test_bug_12_poll_loops_had_no_end(machine: Machine, case: dict[str, Any], waiting_for: str) -> None:
    machine.cloudformation.hangs = True
    run = cases.run(machine, case)
    assert run.error == "WaitTimedOutError"
    assert waiting_for in run.cause
    assert len(run.history) < 1_000


def test_bug_12_poll_loop_of_an_update_had_no_end(machine: Machine) -> None:
    never = {"before": "ExecuteChangeSet", "somebody": "never ends"}
    run = cases.run(machine, {"stack": EXISTING, "resources": GROWING, "interference": [never]})
    assert run.error == "WaitTimedOutError"
    assert "update of the stack" in run.cause

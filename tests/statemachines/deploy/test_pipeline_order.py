"""A stack is changed only while the action that started the execution is in progress, if that is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statemachines.deploy import apply_stack_policy, create_stack, execute_change_set
from statemachines.deploy import delete_failed_stack as deletion
from statemachines.deploy.errors import StalePipelineExecutionError
from statemachines.deploy.pipeline_order import PipelineAction
from stepline.core.errors import PermissionDeniedError, TransientAwsError
from stepline.core.fields import Fields
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import Machine

RUN = "0a1b2c3d-1111-2222-3333-444455556666"
NAMES = {"pipelineName": "app", "pipelineExecutionId": RUN, "stage": "Deploy", "action": "Deploy"}
EXECUTION = {
    "id": "arn:aws:states:us-east-1:000000000000:execution:deploy:job-1",
    "name": "job-1",
    "startTime": "2026-01-01T00:00:00Z",
    "attempt": 1,
}


def statuses(machine: Machine, *found: str, stage: str = "Deploy", action: str = "Deploy") -> None:
    machine.codepipeline.actions = [
        {"pipelineExecutionId": RUN, "stageName": stage, "actionName": action, "status": status}
        for status in found
    ]


def create(machine: Machine) -> Any:
    document = case_runner.prepare(machine, case_runner.load("new_stack"))
    return create_stack.handler({"request": known(document), "execution": EXECUTION}, None)


def execute(machine: Machine) -> Any:
    document = case_runner.prepare(machine, case_runner.load("update"))
    event = {"request": known(document), "execution": EXECUTION, "stack": {"id": "dev-app"}}
    change_set = machine.create_change_set(event)
    return execute_change_set.handler({**event, "changeSet": change_set}, None)


def apply_policy(machine: Machine) -> Any:
    document = case_runner.prepare(machine, case_runner.load("update"))
    event = {"request": known(document), "stack": {"id": "dev-app"}, "changeSet": {"stackPolicy": "{}"}}
    return apply_stack_policy.handler(event, None)


def delete(machine: Machine) -> Any:
    document = case_runner.prepare(machine, case_runner.load("failed_stack_rollback_complete"))
    stack_id = machine.cloudformation.existing_stack("dev-app").id
    event = {"request": known(document), "execution": EXECUTION, "stack": {"id": stack_id}}
    return deletion.handler(event, None)


def known(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "codepipeline": {**document["codepipeline"], **NAMES}}


CHANGES: dict[str, Callable[[Machine], Any]] = {
    "CreateStack": create,
    "ExecuteChangeSet": execute,
    "SetStackPolicy": apply_policy,
    "DeleteStack": delete,
}


@pytest.mark.parametrize("operation", CHANGES)
@pytest.mark.parametrize("status", ["Failed", "Abandoned", "Succeeded"])
def test_ended_action_changes_nothing(machine: Machine, operation: str, status: str) -> None:
    statuses(machine, status)
    with pytest.raises(StalePipelineExecutionError, match=f"already ended \\({status}\\)"):
        CHANGES[operation](machine)
    assert machine.cloudformation.called(operation) == []


@pytest.mark.parametrize("operation", CHANGES)
def test_action_in_progress_changes_the_stack_after_one_call(machine: Machine, operation: str) -> None:
    """A retry of the stage is listed before the execution that has failed."""
    statuses(machine, "InProgress", "Failed")
    CHANGES[operation](machine)
    assert len(machine.cloudformation.called(operation)) == 1
    assert machine.codepipeline.called("ListActionExecutions") == [
        {"pipelineName": "app", "filter": {"pipelineExecutionId": RUN}}
    ]


@pytest.mark.parametrize("operation", CHANGES)
def test_denied_or_throttled_call_changes_nothing(machine: Machine, operation: str) -> None:
    for code, error in (
        ("AccessDeniedException", PermissionDeniedError),
        ("ThrottlingException", TransientAwsError),
    ):
        machine.codepipeline.fail_next("ListActionExecutions", code, times=5)
        with pytest.raises(error, match="ListActionExecutions"):
            CHANGES[operation](machine)
        machine.codepipeline.faults.clear()
        machine.cloudformation.delete_change_sets()
    assert machine.cloudformation.called(operation) == []


@pytest.mark.parametrize(
    "code", ["PipelineNotFoundException", "PipelineExecutionNotFoundException", "no such action"]
)
def test_unknown_order_does_not_prevent_a_deployment(machine: Machine, code: str) -> None:
    """The pipeline is in another account or region, or does not list the action yet."""
    statuses(machine, "Failed", stage="Other")
    if " " not in code:
        machine.codepipeline.fail_next("ListActionExecutions", code)
    create(machine)
    assert len(machine.cloudformation.called("CreateStack")) == 1


@pytest.mark.parametrize(
    "codepipeline",
    [None, {}, "text", {**NAMES, "stage": ""}, {**NAMES, "action": 5}, {"pipelineExecutionId": RUN}],
)
def test_action_that_is_not_known_is_not_asked_for(codepipeline: Any) -> None:
    assert PipelineAction.parse(Fields({"request": {"codepipeline": codepipeline}}, "the event")) is None


def test_event_without_the_input_is_not_checked() -> None:
    """Executions that started before an update of the state machine pass none."""
    assert PipelineAction.parse(Fields({"changeSet": {}}, "the event")) is None


def test_creation_that_has_begun_is_awaited(machine: Machine) -> None:
    """The first run of the task was killed after CreateStack."""
    statuses(machine, "InProgress")
    first = create(machine)
    statuses(machine, "Abandoned")
    document = case_runner.prepare(machine, case_runner.load("new_stack"))
    event = {"request": known(document), "execution": EXECUTION}
    assert create_stack.handler(event, None)["stackId"] == first["stackId"]


def test_update_that_has_begun_is_awaited(machine: Machine) -> None:
    """The first run of the task was killed after ExecuteChangeSet."""
    statuses(machine, "InProgress")
    document = case_runner.prepare(machine, case_runner.load("update"))
    event = {"request": known(document), "execution": EXECUTION, "stack": {"id": "dev-app"}}
    step = {**event, "changeSet": machine.create_change_set(event)}
    first = execute_change_set.handler(step, None)
    statuses(machine, "Failed")
    assert execute_change_set.handler(step, None)["token"] == first["token"]


WHOLE = [
    ("new_stack", "CreateStack"),
    ("failed_stack_rollback_complete", "DeleteStack"),
    ("update", "ExecuteChangeSet"),
    ("update_policy", "SetStackPolicy"),
    ("unchanged_policy", "SetStackPolicy"),
]


@pytest.mark.parametrize(("name", "operation"), WHOLE)
def test_execution_of_an_ended_action_fails_cleanly(machine: Machine, name: str, operation: str) -> None:
    statuses(machine, "Failed")
    execution = machine.run(known(case_runner.prepare(machine, case_runner.load(name))))
    assert (execution.error, execution.path[-1]) == ("StalePipelineExecutionError", "Failure Clean")
    assert machine.cloudformation.called(operation) == []
    assert machine.cloudformation.change_sets == {}


@pytest.mark.parametrize(("name", "_operation"), WHOLE)
def test_execution_of_an_action_in_progress_ends_as_any_other(
    machine: Machine, name: str, _operation: str
) -> None:
    statuses(machine, "InProgress")
    execution = machine.run(known(case_runner.prepare(machine, case_runner.load(name))))
    assert execution.output == case_runner.load(name)["expected"]["output"]


def test_change_set_of_an_action_that_ends_meanwhile_is_deleted(machine: Machine) -> None:
    statuses(machine, "InProgress")
    machine.function_calls.interference["InspectChangeSet", 1] = lambda: statuses(machine, "Abandoned")
    execution = machine.run(known(case_runner.prepare(machine, case_runner.load("update"))))
    assert (execution.error, execution.path[-1]) == ("StalePipelineExecutionError", "Failure Clean")
    assert machine.cloudformation.change_sets == {}

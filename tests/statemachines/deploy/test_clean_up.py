"""An execution that is stopped leaves nothing, whenever that is; the cases are those of `cases/`."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from statemachines.deploy import clean_up
from statemachines.deploy.attempt import DeploymentAttempt
from statemachines.deploy.leftovers import Cleaner, Cleaning
from statemachines.deploy.limits import MAX_SWEPT_EXECUTIONS
from statemachines.deploy.template import template_arguments
from stepline.core import clients
from tests.fakes.clients import client_of
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import ENVIRONMENT, Machine
from tests.statemachines.deploy.stopped_machine import StoppedMachine

CASES = (
    "update",
    "approval_in_a_target",
    "unchanged_policy",
    "removal_refused",
    "change_set_obsolete",
    "new_stack_large_template",
    "failed_stack_rollback_complete",
    "execution_denied",
)
BUCKET = ENVIRONMENT["TEMPLATE_BUCKET"]
MACHINE = ENVIRONMENT["STATE_MACHINE_ARN"]
EXECUTION = f"{MACHINE.replace('stateMachine', 'execution')}:job-1"


def prepared(machine: Machine, name: str = "update") -> dict[str, Any]:
    return case_runner.prepare(machine, case_runner.load(name) | {"padding": 60_000})


def runs(name: str, *, loses_events: bool = False) -> list[StoppedMachine]:
    """Run the case, and stop it once at each function that it runs."""
    found: list[StoppedMachine] = []
    for position in itertools.count(1):
        with Machine().connected() as machine:
            stopped = StoppedMachine(machine, stop_at=position, loses_events=loses_events)
            execution = stopped.run(prepared(machine, name))
            if loses_events:
                stopped.sweep()
            if execution.status != "ABORTED":
                return found
            found.append(stopped)
    raise AssertionError


def cleaner(machine: Machine) -> Cleaner:
    return Cleaner(
        clients.stepfunctions(),
        clients.cloudformation_of,
        clients.s3(),
        bucket=BUCKET,
        now=machine.clock.now(),
    )


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_left_wherever_an_execution_is_stopped(name: str) -> None:
    stopped = runs(name)
    assert len(stopped) > 3
    for run in stopped:
        assert run.left == [], run.functions


def test_nothing_is_left_if_the_event_is_lost() -> None:
    for run in runs("update", loses_events=True):
        assert run.left == [], run.functions


def test_change_set_is_left_without_clean_up(machine: Machine) -> None:
    """The tests above stop executions where something is left."""
    stopped = StoppedMachine(machine, stop_in="CreateChangeSet", loses_events=True)
    stopped.run(prepared(machine))
    assert len(stopped.left) == 1


def test_task_that_runs_when_the_execution_is_stopped_is_awaited(machine: Machine) -> None:
    """The first clean-up comes before the change set is created."""
    stopped = StoppedMachine(machine, stop_in="CreateChangeSet")
    stopped.run(prepared(machine))
    assert stopped.deliveries == 2
    assert stopped.left == []


def test_failed_execution_is_cleaned_up_at_once(machine: Machine) -> None:
    stopped = StoppedMachine(machine)
    stopped.run(prepared(machine, "refused_and_not_deletable"))
    assert stopped.deliveries == 1
    assert stopped.left == []


def test_clean_up_twice_deletes_nothing_more(machine: Machine) -> None:
    stopped = StoppedMachine(machine, stop_in="CheckChangeSetCreationStatus")
    stopped.run(prepared(machine))
    assert cleaner(machine).clean_up(EXECUTION) == Cleaning()


def test_redriven_execution_is_not_touched(machine: Machine) -> None:
    stopped = StoppedMachine(machine, stop_in="InspectChangeSet", loses_events=True)
    stopped.run(prepared(machine))
    left = stopped.left
    machine.stepfunctions.redrive_execution({"executionArn": EXECUTION})
    assert cleaner(machine).clean_up(EXECUTION).deleted == ()
    assert stopped.left == left != []


def test_redriven_execution_after_a_clean_up_makes_a_second_attempt(machine: Machine) -> None:
    stopped = StoppedMachine(machine, stop_in="CheckChangeSetCreationStatus")
    stopped.run(prepared(machine))
    assert stopped.left == []
    machine.stepfunctions.redrive_execution({"executionArn": EXECUTION})
    machine.clock.run(max_steps=10_000)
    described = machine.stepfunctions.describe_execution({"executionArn": EXECUTION})
    assert described["status"] == "SUCCEEDED"


def test_stop_before_the_change_set_is_executed_changes_nothing(machine: Machine) -> None:
    """The task finds no change set any more."""
    stopped = StoppedMachine(machine, stop_in="ExecuteChangeSet")
    stopped.run(prepared(machine))
    assert stopped.left == []
    assert stack_of(machine).status == "CREATE_COMPLETE"


def test_change_set_that_is_executed_is_not_deleted(machine: Machine) -> None:
    stopped = StoppedMachine(machine, stop_in="CheckStackUpdateStatus")
    stopped.run(prepared(machine))
    assert machine.cloudformation.called("DeleteChangeSet") == []
    assert stack_of(machine).status == "UPDATE_COMPLETE"


def test_change_sets_of_others_are_not_deleted(machine: Machine) -> None:
    stopped = StoppedMachine(machine, stop_in="CheckChangeSetCreationStatus")
    document = prepared(machine)
    other = DeploymentAttempt(f"{EXECUTION}-2", "job-1-2", "2026-01-01T00:00:00Z", 1)
    for name, description in ((other.change_set_name, other.description), ("by-hand", "")):
        machine.cloudformation.create_change_set(
            StackName="dev-app",
            ChangeSetName=name,
            Description=description,
            TemplateBody=json.dumps(case_runner.template({"Topic": None})),
            Parameters=[{"ParameterKey": "EnvironmentName", "ParameterValue": "dev"}],
        )
    stopped.run(document)
    assert sorted(stopped.left) == ["by-hand", other.change_set_name]


def test_invalid_input_leaves_nothing(machine: Machine) -> None:
    stopped = StoppedMachine(machine)
    stopped.run({"stackName": 5})
    assert stopped.deliveries == 1
    assert machine.cloudformation.calls == []


def test_deleted_stack_and_expired_execution_leave_nothing(machine: Machine) -> None:
    stopped = StoppedMachine(machine, stop_in="CheckChangeSetCreationStatus", loses_events=True)
    stopped.run(prepared(machine))
    machine.cloudformation.set_status(stack_of(machine), "DELETE_COMPLETE", token="")
    assert cleaner(machine).clean_up(EXECUTION).deleted == ()
    assert cleaner(machine).clean_up(f"{EXECUTION}-unknown") == Cleaning()


def test_change_set_that_is_being_created_is_deleted_later(machine: Machine) -> None:
    machine.cloudformation.hangs = True
    stopped = StoppedMachine(machine, stop_in="CheckChangeSetCreationStatus", loses_events=True)
    stopped.run(prepared(machine))
    cleaning = cleaner(machine).clean_up(EXECUTION)
    assert cleaning.deleted == ()
    assert "cannot be deleted yet" in cleaning.pending
    (change_set,) = machine.cloudformation.change_sets.values()
    change_set.status = "CREATE_COMPLETE"
    assert cleaner(machine).clean_up(EXECUTION).deleted == (change_set.name,)


def test_sweep_deletes_only_old_temporary_templates(machine: Machine) -> None:
    stopped = StoppedMachine(machine)
    stopped.run(prepared(machine))
    key = DeploymentAttempt(EXECUTION, "a b", "2026-01-01T00:00:00Z", 1)
    machine.s3.put(BUCKET, key.template_key(key.creation_token), b"old")
    machine.s3.put(BUCKET, "templates/Source/AbCdEf1", b"an artifact of a pipeline of this name")
    machine.clock.advance(3601)
    machine.s3.put(BUCKET, key.template_key(key.change_set_name), b"in use")
    assert stopped.sweep() == [key.template_key(key.creation_token)]
    assert len([name for _, name in machine.s3.objects if name.startswith("templates/")]) == 2


def test_sweep_is_limited_and_goes_on_after_an_error(machine: Machine) -> None:
    stopped = StoppedMachine(machine, loses_events=True)
    stopped.run(prepared(machine, "removal_refused"))
    for number in range(MAX_SWEPT_EXECUTIONS):
        machine.stepfunctions.start_execution(
            {"stateMachineArn": MACHINE, "name": f"other-{number}", "input": "{}"}
        )
    machine.clock.run(max_steps=100_000)
    client = client_of(machine.stepfunctions)
    cleaned: list[str] = []

    class Failing(Cleaner):
        def clean_up(self, execution_arn: str) -> Cleaning:
            cleaned.append(execution_arn)
            if len(cleaned) == 1:  # as one that is denied
                client.describe_execution(executionArn=f"{EXECUTION}-unknown")
            return Cleaning((execution_arn,))

    with stopped.clock():
        swept = clean_up.sweep(Failing(**vars(cleaner(machine))), MACHINE)
    assert len(cleaned) == MAX_SWEPT_EXECUTIONS
    assert swept.deleted == tuple(cleaned[1:])
    assert "could not be cleaned up" in swept.pending


@pytest.mark.parametrize(
    ("denied", "pending"), [("AssumeRole", ""), ("ListChangeSets", "could not be cleaned up")]
)
def test_target_whose_role_cannot_be_assumed_does_not_fail_the_sweep(
    machine: Machine, denied: str, pending: str
) -> None:
    """As a rule, the tasks could not assume it, either, and have created nothing."""
    stopped = StoppedMachine(machine, stop_in="AskForApproval", loses_events=True)
    stopped.run(prepared(machine, "approval_in_a_target"))
    machine.clock.advance(3600)
    cloudformation: Any = _Denied(denied)
    broken = replace(cleaner(machine), cloudformation_of=lambda _role: cloudformation)
    with stopped.clock():
        cleaning = clean_up.sweep(broken, MACHINE)
    assert pending in cleaning.pending
    assert bool(cleaning.pending) is bool(pending)


class _Denied:
    def __init__(self, operation: str) -> None:
        self._operation = operation

    def get_paginator(self, _name: str) -> Any:
        details: Any = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}
        raise ClientError(details, self._operation)


def test_executions_of_yesterday_are_not_swept(machine: Machine) -> None:
    stopped = StoppedMachine(machine, stop_in="CheckChangeSetCreationStatus", loses_events=True)
    stopped.run(prepared(machine))
    machine.clock.advance(timedelta(hours=25).total_seconds())
    assert stopped.sweep() == []


def test_temporary_template_is_stored_where_clean_up_finds_it(machine: Machine) -> None:
    attempt = DeploymentAttempt(EXECUTION, "job-1", "2026-01-01T00:00:00Z", 2)
    key = attempt.template_key(attempt.change_set_name)
    stopped = StoppedMachine(machine, stop_in="CheckChangeSetCreationStatus", loses_events=True)
    stopped.run(prepared(machine))
    with template_arguments(clients.s3(), "x" * 60_000, bucket=BUCKET, key=key):
        assert key in cleaner(machine).clean_up(EXECUTION).deleted


def stack_of(machine: Machine) -> Any:
    return machine.cloudformation.stack_named("dev-app")

"""What the events of a stack say about an operation and its first failure."""

from __future__ import annotations

from datetime import datetime, timedelta

from stepline.core.cloudformation.stack_events import failed_events, first_failure, operation_status
from tests.fakes.clients import client_of
from tests.fakes.cloudformation.stacks import FakeStack
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import Machine


def _stack(machine: Machine, status: str = "CREATE_COMPLETE") -> FakeStack:
    return machine.cloudformation.add_stack(
        "dev-app", status, case_runner.template({}), {"EnvironmentName": "dev"}
    )


def _event(machine: Machine, stack: FakeStack, name: str, status: str, reason: str, **more: str) -> None:
    stack.events.append(
        {
            "StackId": stack.id,
            "EventId": str(len(stack.events)),
            "StackName": stack.name,
            "LogicalResourceId": name,
            "PhysicalResourceId": more.get("physical_id", ""),
            "ResourceType": more.get("type", "A::B::C"),
            "Timestamp": machine.clock.now(),
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "ClientRequestToken": more.get("token", "ours"),
        }
    )


def _first_failure(machine: Machine, stack: FakeStack, since: datetime | None = None) -> str:
    cloudformation = client_of(machine.cloudformation)
    failures = failed_events(cloudformation, stack.id, "ours", since=since)
    return first_failure(cloudformation, failures, since=since)


def test_first_failure_is_the_oldest_that_is_not_a_cancellation(machine: Machine) -> None:
    stack = _stack(machine)
    _event(machine, stack, "Before", "UPDATE_FAILED", "Of another operation", token="theirs")
    _event(machine, stack, "Fine", "CREATE_COMPLETE", "")
    _event(machine, stack, "Victim", "CREATE_FAILED", "Resource creation cancelled")
    _event(machine, stack, "Culprit", "UPDATE_FAILED", "Access denied")
    _event(machine, stack, "Later", "CREATE_FAILED", "Also wrong")
    assert _first_failure(machine, stack) == "Culprit (A::B::C): Access denied"


def test_without_a_failed_resource_the_failure_of_the_stack_is_returned(machine: Machine) -> None:
    stack = _stack(machine)
    stack_type = "AWS::CloudFormation::Stack"
    _event(
        machine,
        stack,
        "dev-app",
        "UPDATE_ROLLBACK_FAILED",
        "Hook said no",
        type=stack_type,
        physical_id=stack.id,
    )
    assert _first_failure(machine, stack) == f"dev-app ({stack_type}): Hook said no"
    assert _first_failure(machine, _stack(machine)) == ""


def test_first_failure_inside_a_nested_stack_is_found(machine: Machine) -> None:
    inner = machine.cloudformation.add_stack(
        "inner", "ROLLBACK_COMPLETE", case_runner.template({}), {"EnvironmentName": "x"}
    )
    outer = _stack(machine)
    _event(
        machine,
        outer,
        "Nested",
        "CREATE_FAILED",
        "Embedded stack was not successfully created",
        type="AWS::CloudFormation::Stack",
        physical_id=inner.id,
    )
    _event(machine, inner, "Table", "CREATE_FAILED", "Name taken", token="of the nested stack")
    assert _first_failure(machine, outer) == "Nested/Table (A::B::C): Name taken"


def test_pages_of_events_before_the_operation_are_not_read(machine: Machine) -> None:
    stack = _stack(machine)
    for number in range(300):
        _event(machine, stack, f"R{number}", "UPDATE_COMPLETE", "", token="theirs")
    machine.clock.advance(60)
    since = machine.clock.now()
    _event(machine, stack, "R", "UPDATE_IN_PROGRESS", "")
    client = client_of(machine.cloudformation)
    assert operation_status(client, stack.id, "ours", since=since) is None
    assert len(machine.cloudformation.called("DescribeStackEvents")) == 1
    assert operation_status(client, stack.id, "ours", since=since + timedelta(seconds=1)) is None

"""Finds state machines by the names that functions have, too, and reads where they log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from stepline.aws.functions import Function, UnknownNameError, find_function
from stepline.aws.stack_functions import list_stack_functions, list_stacks_with_functions
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from stepline.aws.target import Target

_TYPE: Final = "AWS::StepFunctions::StateMachine"


@dataclass(frozen=True)
class StateMachine(Function):
    """A state machine, with the names that functions have, too."""

    arn: str = ""


@dataclass(frozen=True)
class StateMachineLog:
    """Where a state machine logs. `level`: ALL, ERROR or FATAL."""

    group: str
    level: str


def list_state_machines(target: Target, stack_name: str) -> list[StateMachine]:
    """Return all state machines of the region, with their logical ids; none if that is not allowed."""
    pages = target.client("stepfunctions").get_paginator("list_state_machines").paginate()
    try:
        arns = [machine["stateMachineArn"] for page in pages for machine in page["stateMachines"]]
    except ClientError:
        return []
    cloudformation = target.client("cloudformation")
    found = list(list_stack_functions(cloudformation, stack_name, type_name=_TYPE))
    found += list_stacks_with_functions(cloudformation, besides=stack_name, type_name=_TYPE)
    by_arn = {each.name: each for each in reversed(found)}
    return [
        StateMachine(
            arn.rpartition(":")[2],
            by_arn[arn].logical_id if arn in by_arn else None,
            by_arn[arn].root_stack if arn in by_arn else None,
            by_arn[arn].nested_stack if arn in by_arn else None,
            arn=arn,
        )
        for arn in sorted(arns)
    ]


def resolve_state_machine(target: Target, text: str, stack_name: str) -> StateMachine | None:
    """Return the state machine that `text` names, None if there is none. Raises UsageError for several."""
    machines = list_state_machines(target, stack_name)
    try:
        found = find_function(machines, text, stack_name, kind="state machine")
    except UnknownNameError:
        return None
    return next(machine for machine in machines if machine.name == found.name)


def read_state_machine_log(stepfunctions: SFNClient, machine: StateMachine) -> StateMachineLog:
    """Return where the state machine logs. Raises UsageError if it has no log."""
    response = stepfunctions.describe_state_machine(stateMachineArn=machine.arn)
    configuration = response.get("loggingConfiguration", {})
    level = configuration.get("level", "OFF")
    for destination in configuration.get("destinations", []) if level != "OFF" else []:
        arn = destination.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "")
        if arn:
            return StateMachineLog(arn.split(":")[6], level)
    raise UsageError(f"the state machine {machine.name} has no log: its LoggingConfiguration has level OFF")

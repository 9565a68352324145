"""The pages of state machines: all of a region, and one with its executions."""

from __future__ import annotations

from functools import partial
from typing import Any

from stepline.aws.machine_executions import (
    EXECUTION_STATUSES,
    MachineExecution,
    MachineSummary,
    list_machine_executions,
    list_machines,
)
from stepline.aws.times import iso_time
from stepline.console.pages import Console, Document, Page, PageNotFoundError, Query, Read

_EXPRESS = "EXPRESS"


def _open_list(console: Console, _query: Query) -> Read:
    return partial(_read_list, console)


def _read_list(console: Console) -> Document:
    machines = list_machines(console.target.client("stepfunctions"))
    return {
        "title": "State machines",
        "isLive": True,
        "stateMachines": [_machine(each) for each in machines],
    }


def _machine(machine: MachineSummary) -> dict[str, Any]:
    return {
        "name": machine.name,
        "arn": machine.arn,
        "type": machine.type,
        "created": iso_time(machine.created),
    }


def _open_machine(console: Console, query: Query) -> Read:
    name, status = query.path["name"], query.arguments.get("status", "")
    stepfunctions = console.target.client("stepfunctions")
    machine = next((each for each in list_machines(stepfunctions) if each.name == name), None)
    if machine is None:
        raise PageNotFoundError(f"state machine {name} does not exist in {console.target}")
    if status and status not in EXECUTION_STATUSES:
        raise PageNotFoundError(f"{status} is no status: use one of {', '.join(EXECUTION_STATUSES)}")
    return partial(_read_machine, console, machine, status, query.arguments.get("token", ""))


def _read_machine(console: Console, machine: MachineSummary, status: str, token: str) -> Document:
    is_express = machine.type == _EXPRESS
    executions: tuple[MachineExecution, ...] = ()
    next_token = ""
    if not is_express:
        page = list_machine_executions(
            console.target.client("stepfunctions"), machine.arn, status=status, token=token
        )
        executions, next_token = page.executions, page.next_token
    return {
        "title": machine.name,
        # An Express state machine lists no executions, and older pages hardly change.
        "isLive": not is_express and not token,
        "stateMachine": _machine(machine),
        "isExpress": is_express,
        "statuses": list(EXECUTION_STATUSES),
        "status": status or None,
        "executions": [_execution(each) for each in executions],
        "nextToken": next_token or None,
    }


def _execution(execution: MachineExecution) -> dict[str, Any]:
    seconds = (execution.ended - execution.started).total_seconds() if execution.ended else None
    return {
        "arn": execution.arn,
        "name": execution.name,
        "status": execution.status,
        "started": iso_time(execution.started),
        "ended": iso_time(execution.ended),
        "seconds": seconds,
        "redrives": execution.redrives,
    }


PAGES = (
    Page("/state-machines", "state_machines.html", _open_list),
    Page("/state-machines/{name}", "state_machine.html", _open_machine),
)

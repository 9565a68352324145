"""State machines and executions as the API's response shapes; a member that is None is omitted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from stepline.core.executions.describe import Status
from stepline.localaws.protocol import Params
from stepline.localaws.stepfunctions.activities import Activity
from stepline.localaws.stepfunctions.definition import Diagnostic
from stepline.localaws.stepfunctions.models import Execution, Machine
from stepline.localaws.stepfunctions.settings import BILLED_MEMORY_MB, BILLED_UNIT_MILLISECONDS
from stepline.localaws.stepfunctions.versions import Alias, Version

_EXECUTION_DATA = ("input", "inputDetails", "output", "outputDetails")
"""What `includeExecutionData` false leaves out of an event's details [GetExecutionHistory]."""


def machine_description(machine: Machine, version: Version | None = None) -> Params:
    """Return the response of DescribeStateMachine for a machine, or for a version."""
    return {
        **_machine_settings(machine),
        "stateMachineArn": version.arn if version else machine.arn,
        "description": version and version.description,
        "status": "ACTIVE",
        "type": machine.type.value,
        "creationDate": version.creation_date if version else machine.creation_date,
    }


def version_item(version: Version) -> Params:
    """Return an item of ListStateMachineVersions."""
    return {"stateMachineVersionArn": version.arn, "creationDate": version.creation_date}


def alias_item(alias: Alias) -> Params:
    """Return an item of ListStateMachineAliases."""
    return {"stateMachineAliasArn": alias.arn, "creationDate": alias.creation_date}


def alias_description(alias: Alias) -> Params:
    """Return the response of DescribeStateMachineAlias."""
    routes = [{"stateMachineVersionArn": arn, "weight": weight} for arn, weight in alias.routes.items()]
    return {
        **alias_item(alias),
        "name": alias.name,
        "description": alias.description,
        "routingConfiguration": routes,
        "updateDate": alias.update_date,
    }


def machine_of_execution(machine: Machine) -> Params:
    """Return the response of DescribeStateMachineForExecution."""
    return {**_machine_settings(machine), "updateDate": machine.update_date or machine.creation_date}


def machine_item(machine: Machine) -> Params:
    """Return an item of ListStateMachines."""
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": machine.type.value,
        "creationDate": machine.creation_date,
    }


def activity_item(activity: Activity) -> Params:
    """Return an item of ListActivities."""
    return {
        "activityArn": activity.arn,
        "name": activity.name,
        "creationDate": activity.creation_date,
    }


def diagnostic_item(diagnostic: Diagnostic) -> Params:
    """Return an item of ValidateStateMachineDefinition."""
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "location": diagnostic.location or None,
    }


def execution_description(execution: Execution, reason_not_redrivable: str | None) -> Params:
    """Return the response of DescribeExecution."""
    return {
        **execution_item(execution),
        **_data(execution),
        "redriveStatus": "NOT_REDRIVABLE" if reason_not_redrivable else "REDRIVABLE",
        "redriveStatusReason": reason_not_redrivable,
    }


def execution_item(execution: Execution) -> Params:
    """Return an item of ListExecutions."""
    return {
        **_execution(execution),
        "stateMachineVersionArn": execution.machine.version_arn,
        "stateMachineAliasArn": execution.machine.alias_arn,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redrive_date,
    }


def sync_execution(execution: Execution) -> Params:
    """Return the response of StartSyncExecution, where an execution stopped with its machine has failed."""
    return {
        **_execution(execution),
        "status": (Status.FAILED if execution.status is Status.ABORTED else execution.status).value,
        **_data(execution),
        "billingDetails": {
            "billedMemoryUsedInMB": BILLED_MEMORY_MB,
            "billedDurationInMilliseconds": _billed_milliseconds(execution),
        },
    }


def without_execution_data(event: Mapping[str, Any]) -> Params:
    """Return an event of a history without its input and output."""
    return {name: _stripped(value) if isinstance(value, Mapping) else value for name, value in event.items()}


def _stripped(details: Mapping[str, Any]) -> Params:
    return {name: value for name, value in details.items() if name not in _EXECUTION_DATA}


def _machine_settings(machine: Machine) -> Params:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "definition": machine.definition,
        "roleArn": machine.role_arn,
        "loggingConfiguration": machine.logging_configuration,
        "tracingConfiguration": machine.tracing_configuration,
        "revisionId": machine.revision_id,
    }


def _execution(execution: Execution) -> Params:
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": execution.status.value,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
    }


def _data(execution: Execution) -> Params:
    return {
        "input": execution.input,
        "inputDetails": {"included": True},
        "output": execution.output,
        "outputDetails": None if execution.output is None else {"included": True},
        "error": execution.error,
        "cause": execution.cause,
        "traceHeader": execution.trace_header,
    }


def _billed_milliseconds(execution: Execution) -> int:
    if execution.stop_date is None:
        return 0
    milliseconds = (execution.stop_date - execution.start_date).total_seconds() * 1000
    return max(1, math.ceil(milliseconds / BILLED_UNIT_MILLISECONDS)) * BILLED_UNIT_MILLISECONDS

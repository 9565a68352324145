"""Executions and machines in the shapes of the API's answers. None means: leave the member out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from stepline.localaws.protocol import Params
from stepline.localaws.stepfunctions.definition import Diagnostic
from stepline.localaws.stepfunctions.execution import Execution, Machine, Status

_DATA = ("input", "inputDetails", "output", "outputDetails")
"""What `includeExecutionData` false leaves out of an event's details [GetExecutionHistory]."""

_BILLED_MEMORY_MB = 64
_BILLED_UNIT_MILLISECONDS = 100
"""Express executions are billed in these units [AWS Step Functions pricing]."""


def execution(item: Execution, reason_not_to_redrive: str | None) -> Params:
    """DescribeExecution."""
    return {
        **execution_item(item),
        **_data(item),
        "redriveStatus": "NOT_REDRIVABLE" if reason_not_to_redrive else "REDRIVABLE",
        "redriveStatusReason": reason_not_to_redrive,
    }


def sync_execution(item: Execution) -> Params:
    """StartSyncExecution. An Express execution that was stopped with its machine counts as failed."""
    status = Status.FAILED if item.status is Status.ABORTED else item.status
    return {
        "executionArn": item.arn,
        "stateMachineArn": item.machine.arn,
        "name": item.name,
        "startDate": item.start_date,
        "stopDate": item.stop_date,
        "status": status.value,
        **_data(item),
        "billingDetails": {
            "billedMemoryUsedInMB": _BILLED_MEMORY_MB,
            "billedDurationInMilliseconds": _billed_milliseconds(item),
        },
    }


def execution_item(item: Execution) -> Params:
    """An item of ListExecutions."""
    return {
        "executionArn": item.arn,
        "stateMachineArn": item.machine.arn,
        "name": item.name,
        "status": item.status.value,
        "startDate": item.start_date,
        "stopDate": item.stop_date,
        "redriveCount": item.redrive_count,
        "redriveDate": item.redrive_date,
    }


def machine(item: Machine) -> Params:
    """DescribeStateMachineForExecution."""
    return {
        "stateMachineArn": item.arn,
        "name": item.name,
        "definition": item.definition,
        "roleArn": item.role_arn,
        "updateDate": item.update_date,
        "loggingConfiguration": item.logging_configuration,
        "tracingConfiguration": item.tracing_configuration,
        "revisionId": item.revision_id,
    }


def diagnostic(item: Diagnostic) -> Params:
    """An item of ValidateStateMachineDefinition."""
    return {
        "severity": "ERROR",
        "code": item.code,
        "message": item.message,
        "location": item.location or None,
    }


def without_execution_data(event: Mapping[str, Any]) -> Params:
    """A history event without inputs and outputs."""
    return {name: _stripped(value) if isinstance(value, Mapping) else value for name, value in event.items()}


def _stripped(details: Mapping[str, Any]) -> Params:
    return {name: value for name, value in details.items() if name not in _DATA}


def _data(item: Execution) -> Params:
    return {
        "input": item.input,
        "inputDetails": {"included": True},
        "output": item.output,
        "outputDetails": None if item.output is None else {"included": True},
        "error": item.error,
        "cause": item.cause,
        "traceHeader": item.trace_header,
    }


def _billed_milliseconds(item: Execution) -> int:
    if item.stop_date is None:
        return 0
    milliseconds = (item.stop_date - item.start_date).total_seconds() * 1000
    return max(1, math.ceil(milliseconds / _BILLED_UNIT_MILLISECONDS)) * _BILLED_UNIT_MILLISECONDS

"""The event "Step Functions Execution Status Change"."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from stepline.localaws.events import AwsEvent
from stepline.localaws.stepfunctions.models import Execution
from stepline.localaws.stepfunctions.settings import MAX_EVENT_DATA_BYTES


def status_event(execution: Execution, now: datetime, reason_not_redrivable: str | None) -> AwsEvent:
    """Return the event for the execution's present status. Dates are in milliseconds, absent values null."""
    output_fits = _escaped_bytes(execution.output) <= MAX_EVENT_DATA_BYTES
    input_fits = _escaped_bytes(execution.input) + _escaped_bytes(execution.output) <= MAX_EVENT_DATA_BYTES
    return AwsEvent(
        source="aws.states",
        detail_type="Step Functions Execution Status Change",
        time=now,
        resources=(execution.arn,),
        detail={
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine.arn,
            "stateMachineVersionArn": execution.machine.version_arn,
            "stateMachineAliasArn": execution.machine.alias_arn,
            "name": execution.name,
            "status": execution.status.value,
            "startDate": _milliseconds(execution.start_date),
            "stopDate": _milliseconds(execution.stop_date),
            "input": execution.input if input_fits else None,
            "inputDetails": {"included": input_fits},
            "output": execution.output if output_fits else None,
            "outputDetails": _details(execution.output, fits=output_fits),
            "redriveCount": execution.redrive_count,
            "redriveDate": _milliseconds(execution.redrive_date),
            "redriveStatus": "NOT_REDRIVABLE" if reason_not_redrivable else "REDRIVABLE",
            "redriveStatusReason": reason_not_redrivable,
        },
    )


def _details(data: str | None, *, fits: bool) -> dict[str, Any] | None:
    return None if data is None else {"included": fits}


def _escaped_bytes(data: str | None) -> int:
    return 0 if data is None else len(json.dumps(data, ensure_ascii=False).encode())


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)

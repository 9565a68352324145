"""Explain Target Failure: says in one line why the deployment to a target failed."""

from __future__ import annotations

from typing import Any, Final

from statemachines.rollout.limits import MAX_REASON_BYTES
from statemachines.task import task
from stepline.core import strict_json
from stepline.core.executions.failure import readable_cause
from stepline.core.fields import Fields, JsonObject
from stepline.core.text import cut_bytes, printable

_ALREADY_EXISTS: Final = "ExecutionAlreadyExists"


@task("rollout")
def handler(event: Fields) -> JsonObject:
    """Event `{"target": …, "failure": {"Error", "Cause"}}`. Returns `{"name", "status", "reason"}`."""
    target, failure = event.section("target"), event.section("failure")
    return failed(target.text("name"), reason(failure.text("Error"), failure.text_or_none("Cause") or "")) | {
        "execution": target.text("executionName")
    }


def failed(name: str, reason: str) -> dict[str, Any]:
    return {"name": name, "status": "failed", "reason": reason}


def reason(error: str, cause: str) -> str:
    """Return `<error>: <cause>` of a deployment.

    The cause of a failed `startExecution.sync:2` is the execution as in DescribeExecution, as JSON
    [Step Functions developer guide, "Start executions"].
    """
    if _ALREADY_EXISTS in error:
        cause = "the execution has ended before this request; its outcome is in its history"
    execution = _execution(cause)
    if execution:
        error = str(execution.get("Error") or f"Deployment {execution.get('Status', 'failed')}")
        cause = str(execution.get("Cause") or "no cause was given")
    message = readable_cause(cause) or "no cause was given"
    return cut_bytes(printable(f"{error}: {message}", MAX_REASON_BYTES), MAX_REASON_BYTES)


def _execution(cause: str) -> dict[str, Any]:
    try:
        document: Any = strict_json.loads(cause)
    except ValueError:
        return {}
    return document if isinstance(document, dict) and "ExecutionArn" in document else {}

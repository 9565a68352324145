"""Builds the addresses of pages that others link to."""

from __future__ import annotations

from urllib.parse import urlsplit

from stepline.aws.approvals import Approval
from stepline.aws.local_console import segment
from stepline.aws.target import Target
from stepline.aws.workflow_approvals import WorkflowApproval

_CONSOLES = (".console.aws.amazon.com", ".console.amazonaws.cn", ".console.amazonaws-us-gov.com")


def pipeline_address(pipeline: str) -> str:
    return f"/pipelines/{segment(pipeline)}"


def pipeline_execution_address(pipeline: str, execution_id: str) -> str:
    return f"{pipeline_address(pipeline)}/executions/{segment(execution_id)}"


def execution_address(arn: str) -> str:
    """Return the address of an execution of a state machine."""
    return f"/executions/{segment(arn)}"


def approval_address(approval: Approval | WorkflowApproval) -> str:
    if isinstance(approval, WorkflowApproval):
        return f"/approvals/{segment(approval.id)}"
    return manual_approval_address(approval.pipeline, approval.stage, approval.action, approval.execution_id)


def manual_approval_address(pipeline: str, stage: str, action: str, execution_id: str) -> str:
    return "/approvals/" + "/".join(map(segment, (pipeline, stage, action, execution_id)))


def web_link(url: str | None, target: Target) -> str | None:
    """Return an address that a link may have; None for anything else, such as a script.

    AWS's console does not show what is in a local AWS.
    """
    parts = urlsplit(url or "")
    if url is None or parts.scheme not in {"http", "https"}:
        return None
    is_console = f".{parts.hostname or ''}".endswith(_CONSOLES)
    return None if target.is_local and is_console else url

"""Prints the commands that answer an approval."""

from __future__ import annotations

from rich.console import Console

from stepline.aws.target import Target
from stepline.aws.workflow_approvals import WorkflowApproval
from stepline.cli import terminal
from stepline.core.approvals import NOBODY_CAN_APPROVE


def print_approval(console: Console, target: Target, pipeline: str, stage: str, action: str) -> None:
    """Print that the approval waits, and the commands; names of CodePipeline need no quotes [model]."""
    title = f"{stage} / {action} waits for an approval. To answer it:"
    terminal.print_line(console, title, style="warn")
    options = " ".join([f"--stage {stage}", f"--action {action}", *target.command_options])
    for answer in ("approve", "reject"):
        terminal.print_line(console, f"  {terminal.command_name()} {answer} {pipeline} {options}")


def print_workflow_approval(console: Console, target: Target, approval: WorkflowApproval) -> None:
    """Print what waits, what people decide about, and the commands."""
    expires = f"{approval.expires_at.astimezone():%Y-%m-%d %H:%M}"
    where = f" in pipeline {approval.pipeline}" if approval.pipeline else ""
    subject = approval.title[:1].upper() + approval.title[1:]
    terminal.print_line(console, f"{subject}{where} waits for an approval until {expires}:", style="warn")
    for line in approval.lines:
        terminal.print_line(console, f"  {line}")
    if approval.not_by_requester and approval.requester:
        terminal.print_line(console, f"{approval.requester} cannot approve it.")
    elif approval.not_by_requester:
        unknown = f"Who started the pipeline execution cannot approve it. {NOBODY_CAN_APPROVE}"
        terminal.print_line(console, unknown)
    options = " ".join([approval.id, *target.command_options])
    terminal.print_line(console, "To answer it:")
    for answer in ("approve", "reject"):
        terminal.print_line(console, f"  {terminal.command_name()} {answer} {options}")

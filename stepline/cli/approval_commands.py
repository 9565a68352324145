"""Prints the commands that answer an approval."""

from __future__ import annotations

from rich.console import Console

from stepline.aws.change_approvals import ChangeApproval
from stepline.aws.target import Target
from stepline.cli import terminal


def print_approval(console: Console, target: Target, pipeline: str, stage: str, action: str) -> None:
    """Print that the approval waits, and the commands; names of CodePipeline need no quotes [model]."""
    title = f"{stage} / {action} waits for an approval. To answer it:"
    terminal.print_line(console, title, style="warn")
    options = " ".join([f"--stage {stage}", f"--action {action}", *target.command_options])
    for answer in ("approve", "reject"):
        terminal.print_line(console, f"  {terminal.command_name()} {answer} {pipeline} {options}")


def print_change_approval(console: Console, target: Target, approval: ChangeApproval) -> None:
    """Print which change waits, what it removes or replaces, and the commands."""
    expires = f"{approval.expires_at.astimezone():%Y-%m-%d %H:%M}"
    where = f" in pipeline {approval.pipeline}" if approval.pipeline else ""
    title = f"A change of the stack {approval.stack_name}{where} waits for an approval until {expires}:"
    terminal.print_line(console, title, style="warn")
    for resource in approval.resources:
        terminal.print_line(console, f"  {resource}")
    if approval.omitted:
        terminal.print_line(console, f"  and {approval.omitted} more resources")
    options = " ".join([approval.id, *target.command_options])
    terminal.print_line(console, "To answer it:")
    for answer in ("approve", "reject"):
        terminal.print_line(console, f"  {terminal.command_name()} {answer} {options}")

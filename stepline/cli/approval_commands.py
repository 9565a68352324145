"""Prints the commands that answer an approval."""

from __future__ import annotations

from rich.console import Console

from stepline.aws.target import Target
from stepline.cli import terminal


def print_approval(console: Console, target: Target, pipeline: str, stage: str, action: str) -> None:
    """Print that the approval waits, and the commands; names of CodePipeline need no quotes [model]."""
    title = f"{stage} / {action} waits for an approval. To answer it:"
    terminal.print_line(console, title, style="warn")
    options = " ".join([f"--stage {stage}", f"--action {action}", *target.command_options])
    for answer in ("approve", "reject"):
        terminal.print_line(console, f"  {terminal.command_name()} {answer} {pipeline} {options}")

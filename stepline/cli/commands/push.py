"""`stepline push`: push a directory to the pipeline's repository."""

from __future__ import annotations

from pathlib import Path

import click

from stepline.aws.source_repositories import Destination, find_destination
from stepline.aws.target import Target
from stepline.cli import terminal
from stepline.cli.options import choose_and_show_target, source_argument, target_options, with_options
from stepline.git.client import find_git
from stepline.git.push import LOCAL_ACCESS, PushResult, codecommit_access, push_directory


@click.command("push")
@source_argument
@with_options(
    click.option("--message", "-m", help="Commit message."),
    click.option("--repository", help="Name of the repository. Default: that of the pipeline's source."),
    click.option("--branch", help="Branch. Default: that of the pipeline's source."),
    click.option(
        "--pipeline", help="Name of the pipeline. Default: the only one, or that of the stack stepline."
    ),
    click.option("--allow-empty", is_flag=True, help="Push a commit even if nothing has changed."),
)
@target_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    source: Path,
    message: str | None,
    repository: str | None,
    branch: str | None,
    pipeline: str | None,
    allow_empty: bool,
) -> None:
    """Push the content of SOURCE_DIR as a commit, which starts the pipeline.

    The default SOURCE_DIR is app, or else the sample application of stepline. It becomes the whole content of
    the branch. A git repository of yours that contains SOURCE_DIR is not changed.
    """
    find_git()
    target = choose_and_show_target(ctx)
    destination = find_destination(target, pipeline=pipeline, repository=repository, branch=branch)
    push_and_show(target, source, destination, message=message, allow_empty=allow_empty)


def push_and_show(
    target: Target, source: Path, destination: Destination, *, message: str | None, allow_empty: bool
) -> PushResult:
    """Push, and show the commit and whether it is new."""
    result = push_directory(
        source,
        destination,
        LOCAL_ACCESS if target.is_local else codecommit_access(target.profile),
        message=message or f"Update {source.resolve().name}",
        allow_empty=allow_empty,
    )
    branch = f"{destination.repository}, branch {destination.branch}"
    if result.has_changes:
        files = "1 file" if result.files == 1 else f"{result.files} files"
        terminal.print_success(f"Pushed {files} to {branch}")
    elif result.is_new:
        terminal.print_success(f"Pushed an empty commit to {branch}: nothing has changed")
    else:
        terminal.print_result(
            f"{terminal.glyphs().waiting} Nothing has changed: {branch} already has this content. "
            "(Use --allow-empty to push a commit nevertheless.)",
        )
    terminal.print_result(f"  commit {result.commit_id}")
    return result

"""`stepline push`: push a directory to the pipeline's repository."""

from __future__ import annotations

from pathlib import Path

import click

from stepline.aws.source_repositories import Destination, find_destination
from stepline.aws.target import Target
from stepline.cli import terminal
from stepline.cli.options import (
    announced_target,
    pipeline_option,
    source_argument,
    target_options,
    with_options,
)
from stepline.git.push import Pushed, aws_access, local_access, push_directory, require_git


@click.command("push")
@source_argument
@with_options(
    click.option("--message", "-m", help="Message of the commit."),
    click.option("--repository", help="Name of the repository; by default that of the pipeline's source."),
    click.option("--branch", help="The branch; by default that of the pipeline's source."),
    pipeline_option,
    click.option("--allow-empty", is_flag=True, help="Push a commit even if nothing changed."),
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

    SOURCE_DIR is by default app, or where there is none the sample application of stepline itself. It
    becomes the whole content of the branch. A git repository of your own around it is left alone.
    """
    require_git()
    target = announced_target(ctx)
    destination = find_destination(target, pipeline=pipeline, repository=repository, branch=branch)
    pushed = push(target, source, destination, message=message, allow_empty=allow_empty)
    report(pushed, destination)


def push(
    target: Target, source: Path, destination: Destination, *, message: str | None, allow_empty: bool
) -> Pushed:
    return push_directory(
        source,
        destination,
        local_access() if target.is_local else aws_access(target.profile),
        message=message or f"Update {source.resolve().name}",
        allow_empty=allow_empty,
    )


def report(pushed: Pushed, destination: Destination) -> None:
    """Say which commit it is, and whether it is a new one."""
    output = terminal.output()
    glyphs = terminal.glyphs(output)
    place = f"{destination.repository}, branch {destination.branch}"
    if pushed.changed:
        files = "1 file" if pushed.files == 1 else f"{pushed.files} files"
        terminal.say(output, f"{glyphs.good} Pushed {files} to {place}")
    elif pushed.is_new:
        terminal.say(output, f"{glyphs.good} Pushed an empty commit to {place}: nothing has changed")
    else:
        terminal.say(
            output,
            f"{glyphs.waiting} Nothing has changed: {place} has this content already. "
            "(--allow-empty pushes a commit all the same.)",
        )
    terminal.say(output, f"  commit {pushed.commit_id}")

"""`stepline push`: push a directory to the source of the pipeline."""

from __future__ import annotations

from pathlib import Path

import click

from stepline.aws.execution_watch import wait_for_execution_of_revision
from stepline.aws.pipelines import PipelineDefinition
from stepline.aws.source_repositories import (
    Destination,
    ObjectDestination,
    check_starts,
    repository_destination,
    source_destination,
)
from stepline.aws.target import Target
from stepline.cli import terminal, watching
from stepline.cli.exit_codes import ExitCode
from stepline.cli.name_completion import complete_pipeline
from stepline.cli.options import (
    check_option,
    choose_and_show_target,
    find_chosen_pipeline,
    source_argument,
    target_options,
    with_options,
)
from stepline.cli.template_findings import check_and_show
from stepline.cli.times import parse_duration
from stepline.deployment.input_check import check_input
from stepline.deployment.template_check import templates_of
from stepline.git.client import find_git
from stepline.git.push import LOCAL_ACCESS, PushResult, codecommit_access, push_directory
from stepline.git.upload import upload_directory


@click.command("push")
@source_argument
@with_options(
    click.option("--message", "-m", help="Commit message."),
    click.option("--repository", help="Name of the repository. Default: that of the pipeline's source."),
    click.option("--branch", help="Branch. Default: that of the pipeline's source."),
    click.option(
        "--pipeline",
        shell_complete=complete_pipeline,
        help="Name of the pipeline. Default: that of stepline.toml, else the only one, or that of the stack "
        "stepline.",
    ),
    click.option("--allow-empty", is_flag=True, help="Push a commit even if nothing has changed."),
    click.option(
        "--watch",
        "is_watched",
        is_flag=True,
        help="Then show the execution of this commit until it ends, with the exit codes of `stepline watch`.",
    ),
    click.option("--timeout", help="With --watch: how long to watch, such as 30m."),
    check_option,
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
    is_watched: bool,
    timeout: str | None,
    is_unchecked: bool,
) -> None:
    """Push the content of SOURCE_DIR as a commit, which starts the pipeline. If the pipeline's source is an
    object of S3, upload it as a zip file.

    The default SOURCE_DIR is this folder if it has a state_machine_input.json, else app, or else the sample
    application of stepline. It becomes the whole content of
    the branch. A git repository of yours that contains SOURCE_DIR is not changed.

    The files that the pipeline's action reads are checked first, and cfn-lint checks the templates, if it is
    installed: errors stop the push, warnings are shown.
    """
    if timeout and not is_watched:
        raise click.UsageError("--timeout needs --watch")
    seconds = parse_duration(timeout).total_seconds() if timeout else None
    find_git()
    target = choose_and_show_target(ctx)
    definition: PipelineDefinition | None
    destination: Destination | ObjectDestination
    if repository:
        definition = find_chosen_pipeline(target, pipeline, source) if is_watched else None
        destination = repository_destination(target, repository, branch=branch)
    else:
        definition = find_chosen_pipeline(target, pipeline, source)
        destination = source_destination(target, definition, branch=branch)
    if is_watched and definition and isinstance(destination, Destination):
        check_starts(definition, destination)
    if not is_unchecked:
        if definition is not None and not repository and not branch:
            check_input(source, definition)
        check_and_show(templates_of(source), region=target.region)
    pushed = push_and_show(target, source, destination, message=message, allow_empty=allow_empty)
    if is_watched and definition:
        ctx.exit(_watch(target, definition, pushed.commit_id, seconds))


def _watch(
    target: Target, definition: PipelineDefinition, commit_id: str, timeout_seconds: float | None
) -> ExitCode:
    terminal.print_result()
    return watching.watch_and_show_result(
        target,
        definition,
        lambda poller: wait_for_execution_of_revision(
            target.client("codepipeline"), definition.name, commit_id, poller
        ),
        timeout_seconds=timeout_seconds,
    )


def push_and_show(
    target: Target,
    source: Path,
    destination: Destination | ObjectDestination,
    *,
    message: str | None,
    allow_empty: bool,
) -> PushResult:
    """Push, and show the commit, or the version of the object, and whether it is new."""
    revision = "commit"
    if isinstance(destination, ObjectDestination):
        result = upload_directory(target.client("s3"), source, destination, allow_empty=allow_empty)
        revision = "version"
    else:
        result = push_directory(
            source,
            destination,
            LOCAL_ACCESS if target.is_local else codecommit_access(target.profile),
            message=message or f"Update {source.resolve().name}",
            allow_empty=allow_empty,
        )
    if result.has_changes:
        files = "1 file" if result.files == 1 else f"{result.files} files"
        terminal.print_success(f"Pushed {files} to {destination}")
    elif result.is_new:
        terminal.print_success(f"Pushed an empty {revision} to {destination}: nothing has changed")
    else:
        terminal.print_result(
            f"{terminal.glyphs().waiting} Nothing has changed: {destination} already has this content. "
            f"(Use --allow-empty to push a {revision} nevertheless.)",
        )
    terminal.print_result(f"  {revision} {result.commit_id}")
    for line in result.messages:
        terminal.print_result(f"  {line}", style="quiet")
    return result

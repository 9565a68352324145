"""`stepline run`: start the local AWS, push and watch, with one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path

import click

from stepline.aws.error_messages import explain
from stepline.aws.execution_watch import wait_for_execution_of_revision
from stepline.aws.local_console import execution_address
from stepline.aws.local_servers import LocalAws
from stepline.aws.pipeline_executions import PipelineExecution
from stepline.aws.pipelines import PipelineDefinition, find_pipeline
from stepline.aws.polling import TimeoutPassedError, new_poller
from stepline.aws.source_repositories import source_destination
from stepline.aws.target import Target, local_target
from stepline.cli import startup, terminal, watching
from stepline.cli.commands.push import push_and_show
from stepline.cli.exit_codes import exit_code
from stepline.cli.options import (
    check_option,
    console_options,
    deploy_options,
    local_region_option,
    main_deployment,
    parse_parameters,
    port_option,
    show_target,
    source_argument,
    with_options,
)
from stepline.core.errors import UsageError
from stepline.deployment.input_check import check_input
from stepline.deployment.template_check import templates_of
from stepline.processes.interruptions import Interruptions

_EXECUTION_SECONDS = 3600.0
SAVED_PAGE = ".stepline/run.html"
"""In the current folder; the next run replaces it."""


@click.command("run")
@source_argument
@with_options(port_option, *deploy_options, check_option, local_region_option, *console_options)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    source: Path,
    port: int,
    region: str,
    template: Path | None,
    stack_name: str | None,
    parameters: tuple[str, ...],
    is_unchecked: bool,
    console_port: int | None,
    without_console: bool,
) -> None:
    """Start the local AWS, push SOURCE_DIR, and watch the pipeline until it ends.

    The default SOURCE_DIR is this folder if it has a state_machine_input.json, else app, or else the sample
    application of stepline.

    If a local AWS is already running on the port, it is used and not stopped.

    Exit code: 0 if the pipeline succeeded, 1 if it failed, 3 if it was stopped or superseded.
    """
    deployment = main_deployment(template, stack_name, parse_parameters(parameters))
    startup.check_prerequisites(deployment)
    if not is_unchecked:
        startup.check_templates(deployment, region=region, more=templates_of(source))
    console = startup.ConsoleChoice(not without_console, console_port)
    with Interruptions() as interruptions, _local_aws(port, region, interruptions, console) as local_aws:
        target = local_target(local_aws)
        show_target(target)
        outputs = startup.deploy_to(target, deployment).outputs
        execution = _push_and_watch(target, outputs.get("PipelineName"), source, is_unchecked=is_unchecked)
        watching.show_result(execution, target, has_links=not _ends_here(target.local_aws))
        _show_link(execution, target)
        code = exit_code(execution)
    ctx.exit(code)


@contextmanager
def _local_aws(
    port: int, region: str, interruptions: Interruptions, console: startup.ConsoleChoice
) -> Iterator[LocalAws]:
    """Use the local AWS that `stepline up` started on the port, or start one."""
    local_aws = startup.find_running(port)
    if local_aws is None:
        with startup.started_local_aws(
            port, region=region, interruptions=interruptions, command="run", console=console
        ) as started:
            yield started
    else:
        terminal.print_success(f"Using the local AWS on port {port}")
        yield local_aws


def _ends_here(local_aws: LocalAws | None) -> bool:
    """Whether this command has started the local AWS, and will stop it."""
    return local_aws is not None and local_aws.owner is not None and local_aws.owner.pid == getpid()


def _show_link(execution: PipelineExecution, target: Target) -> None:
    """Show where the execution can be read again: in the console if that goes on, or else in a file."""
    if not _ends_here(target.local_aws):
        address = execution_address(target, execution.pipeline, execution.summary.id)
    elif target.local_aws and target.local_aws.console:
        address = _save(execution, target)
    else:
        address = None
    if address:
        terminal.print_result()
        terminal.print_result(f"See it in the browser: {address}")


def _save(execution: PipelineExecution, target: Target) -> str | None:
    """Save the page of the execution, and return its address; None if that is not possible."""
    from stepline.console.saved_page import save_execution  # noqa: PLC0415 - an extra, and slow to import

    file = Path(SAVED_PAGE).resolve()
    try:
        save_execution(target, execution.pipeline, execution.summary.id, file)
    except Exception as error:  # the run has ended, and its exit code is known
        terminal.print_message(f"The page of the run is not saved: {explain(error)}", style="quiet")
        return None
    return file.as_uri()


def _push_and_watch(
    target: Target, pipeline: str | None, source: Path, *, is_unchecked: bool
) -> PipelineExecution:
    """Push, even if nothing has changed, and watch the execution that this starts."""
    definition = find_pipeline(target, pipeline)
    if not is_unchecked:
        check_input(source, definition)
    destination = source_destination(target, definition)
    pushed = push_and_show(target, source, destination, message=None, allow_empty=True)
    terminal.print_result()
    return _watch(target, definition, pushed.commit_id)


def _watch(target: Target, definition: PipelineDefinition, commit_id: str) -> PipelineExecution:
    poller = new_poller(is_local=True, timeout_seconds=_EXECUTION_SECONDS)
    summary = wait_for_execution_of_revision(
        target.client("codepipeline"), definition.name, commit_id, poller
    )
    watching.show_console_link(target, definition, summary)
    try:
        return watching.watch(target, definition, summary, poller)
    except TimeoutPassedError as error:
        raise UsageError(f"the execution did not end within {_EXECUTION_SECONDS / 60:g} minutes") from error

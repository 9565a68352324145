"""`stepline run`: up, push and watch in one go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from stepline.aws import local_servers
from stepline.aws.following import execution_of_revision
from stepline.aws.local_servers import LocalAws
from stepline.aws.pipelines import PipelineDefinition, choose_pipeline
from stepline.aws.polling import TimeoutPassedError, new_polling
from stepline.aws.runs import PipelineRun
from stepline.aws.source_repositories import find_destination
from stepline.aws.target import Target, local_target
from stepline.cli import run_view, startup, terminal, watching
from stepline.cli.commands import push as push_command
from stepline.cli.exit_codes import ExitCode, exit_code
from stepline.cli.options import (
    announce,
    deploy_options,
    local_region_option,
    parse_parameters,
    port_option,
    source_argument,
    with_options,
)
from stepline.core.errors import UsageError
from stepline.deployment.systems import Deployment
from stepline.processes import server_process
from stepline.processes.interruptions import Interruptions

_START_SECONDS = 60.0  # from the push to the execution; locally it takes well under one
_RUN_SECONDS = 3600.0


@click.command("run")
@source_argument
@with_options(port_option, *deploy_options, local_region_option)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    source: Path,
    port: int,
    region: str,
    template: Path,
    stack_name: str,
    parameters: tuple[str, ...],
) -> None:
    """Start the local AWS, push SOURCE_DIR, and show the pipeline to its end.

    SOURCE_DIR is by default app, or where there is none the sample application of stepline itself.

    A local AWS that runs on the port already is used, and left running; otherwise all is stopped in the end.

    Exit code: 0 if the pipeline succeeded, 1 if it failed, 3 if it was stopped or superseded.
    """
    deployment = Deployment(template, stack_name, parse_parameters(parameters))
    startup.check_prerequisites(deployment)
    output = terminal.output()
    with Interruptions() as interruptions, _local_aws(port, region, interruptions, output) as local_aws:
        target = local_target(local_aws)
        announce(target)
        outputs = startup.deploy_to(target, deployment, output)
        run = _push_and_watch(target, outputs.get("PipelineName"), source, output)
        watching.conclude(run, target, output)
        _show_outputs(run, output)
        code = exit_code(run)
    ctx.exit(code)


@contextmanager
def _local_aws(port: int, region: str, interruptions: Interruptions, output: Console) -> Iterator[LocalAws]:
    """The local AWS that `stepline up` started on that port, or one of our own."""
    local_aws = local_servers.running(port)
    if local_aws is None or server_process.owner_is_gone(local_aws):
        with startup.started(
            port, region=region, interruptions=interruptions, command="run", output=output
        ) as own:
            yield own
    elif local_aws.owner and local_aws.owner.command == "run":
        raise UsageError(f"another `stepline run` uses port {port}: wait for it, or use --port {port + 1}")
    else:
        terminal.say(output, f"{terminal.glyphs(output).good} Using the local AWS that runs on port {port}")
        yield local_aws


def _push_and_watch(target: Target, pipeline: str | None, source: Path, output: Console) -> PipelineRun:
    """Push, even if nothing changed, and watch the execution that this starts."""
    codepipeline = target.client("codepipeline")
    definition = choose_pipeline(codepipeline, pipeline)
    destination = find_destination(target, pipeline=definition.name, repository=None, branch=None)
    pushed = push_command.push(target, source, destination, message=None, allow_empty=True)
    push_command.report(pushed, destination)
    terminal.say(output)
    return _watch(target, definition, pushed.commit_id, output)


def _watch(target: Target, definition: PipelineDefinition, commit_id: str, output: Console) -> PipelineRun:
    codepipeline = target.client("codepipeline")
    try:
        execution = execution_of_revision(
            codepipeline,
            definition.name,
            commit_id,
            new_polling(is_local=True, timeout_seconds=_START_SECONDS),
        )
    except TimeoutPassedError as error:
        message = f"the push did not start pipeline {definition.name} within {_START_SECONDS:g} s"
        raise UsageError(f"{message}: is its EventBridge rule for that branch, and enabled?") from error
    try:
        polling = new_polling(is_local=True, timeout_seconds=_RUN_SECONDS)
        return watching.watch(target, definition, execution, polling, output)
    except TimeoutPassedError as error:
        raise UsageError(f"the execution was not over after {_RUN_SECONDS / 60:g} minutes") from error


def _show_outputs(run: PipelineRun, output: Console) -> None:
    """The output variables of what ran a state machine: the outputs of the deployed stack."""
    if exit_code(run) is not ExitCode.SUCCEEDED:
        return
    for action in run.actions:
        if action.runs_state_machine and action.output_variables:
            terminal.say(output)
            terminal.show(output, run_view.facts(f"Outputs of {action.name}", action.output_variables))

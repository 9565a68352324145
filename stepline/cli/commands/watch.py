"""`stepline watch`: show an execution of a pipeline until it ends."""

from __future__ import annotations

import click

from stepline.aws.execution_watch import wait_for_execution
from stepline.aws.pipelines import find_pipeline, read_execution
from stepline.aws.polling import TimeoutPassedError, new_poller
from stepline.cli import terminal, watching
from stepline.cli.exit_codes import ExitCode, exit_code
from stepline.cli.options import choose_and_show_target, target_options
from stepline.cli.times import parse_duration


@click.command("watch")
@click.argument("pipeline", required=False)
@click.option("--execution-id", help="Execution to show. Default: the one in progress, else the next one.")
@click.option("--timeout", help="How long to watch, such as 30m. Default: until the execution ends.")
@target_options
@click.pass_context
def command(
    ctx: click.Context, /, *, pipeline: str | None, execution_id: str | None, timeout: str | None
) -> None:
    """Show the stages, actions and states of an execution of PIPELINE until it ends.

    A terminal shows the current state, a pipe or file gets a line for each change. Waits for the next
    execution if none is in progress. PIPELINE is by default the only one, or that
    of the stack stepline.

    Exit code: 0 succeeded, 1 failed, 3 stopped or superseded, 124 --timeout passed.
    """
    seconds = parse_duration(timeout).total_seconds() if timeout else None
    target = choose_and_show_target(ctx)
    codepipeline = target.client("codepipeline")
    poller = new_poller(is_local=target.is_local, timeout_seconds=seconds)
    definition = find_pipeline(target, pipeline)
    try:
        if execution_id:
            summary = read_execution(codepipeline, definition.name, execution_id)
        else:
            summary = wait_for_execution(
                codepipeline, definition.name, poller, on_wait=terminal.print_message
            )
        execution = watching.watch(target, definition, summary, poller)
    except TimeoutPassedError as error:
        terminal.print_message(f"stepline: {error}; the pipeline continues")
        ctx.exit(ExitCode.TIMED_OUT)
    watching.show_result(execution, target)
    ctx.exit(exit_code(execution))

"""`stepline watch`: show an execution of a pipeline until it ends."""

from __future__ import annotations

import click

from stepline.aws.execution_watch import find_current_execution, wait_for_next_execution
from stepline.aws.pipelines import ExecutionSummary, PipelineDefinition, read_execution
from stepline.aws.polling import Poller
from stepline.aws.source_repositories import read_head
from stepline.aws.target import Target
from stepline.cli import terminal, watching
from stepline.cli.name_completion import complete_pipeline
from stepline.cli.options import choose_and_show_target, find_chosen_pipeline, target_options
from stepline.cli.times import parse_duration


@click.command("watch")
@click.argument("pipeline", required=False, shell_complete=complete_pipeline)
@click.option("--execution-id", help="Execution to show. Default: that of the last push, or a newer one.")
@click.option("--next", "is_next", is_flag=True, help="Wait for the next execution, and show that.")
@click.option("--timeout", help="How long to watch, such as 30m. Default: until the execution ends.")
@target_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    pipeline: str | None,
    execution_id: str | None,
    is_next: bool,
    timeout: str | None,
) -> None:
    """Show the stages, actions and states of an execution of PIPELINE until it ends.

    It is the execution that the last push to the pipeline's CodeCommit repository has started, even if it has
    ended, or a newer one. For a pipeline with another source it is the newest execution in progress, or else
    the newest. PIPELINE is by default that of stepline.toml, else the only one, or that of
    the stack stepline.

    A terminal shows the current state, a pipe or file gets a line for each change.

    Exit code: 0 succeeded, 1 failed, 3 stopped or superseded, 124 --timeout passed.
    """
    if is_next and execution_id:
        raise click.UsageError("--next and --execution-id exclude each other")
    seconds = parse_duration(timeout).total_seconds() if timeout else None
    target = choose_and_show_target(ctx)
    definition = find_chosen_pipeline(target, pipeline)

    def find(poller: Poller) -> ExecutionSummary:
        return _find(target, definition, poller, execution_id=execution_id, is_next=is_next)

    ctx.exit(watching.watch_and_show_result(target, definition, find, timeout_seconds=seconds))


def _find(
    target: Target, definition: PipelineDefinition, poller: Poller, *, execution_id: str | None, is_next: bool
) -> ExecutionSummary:
    codepipeline, name = target.client("codepipeline"), definition.name
    if execution_id:
        return read_execution(codepipeline, name, execution_id)
    if is_next:
        return wait_for_next_execution(codepipeline, name, poller, on_wait=terminal.print_message)
    found = find_current_execution(
        codepipeline,
        name,
        lambda: read_head(target.client("codecommit"), definition),
        poller,
        on_wait=terminal.print_message,
    )
    if found.status.has_ended:
        terminal.print_message(
            "This execution has ended. To wait for the next one, use --next.", style="quiet"
        )
    return found

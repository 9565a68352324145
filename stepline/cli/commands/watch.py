"""`stepline watch`: show an execution of a pipeline live."""

from __future__ import annotations

import click

from stepline.aws.following import newest_or_next
from stepline.aws.pipelines import choose_pipeline, pipeline_execution
from stepline.aws.polling import TimeoutPassedError, new_polling
from stepline.cli import terminal, watching
from stepline.cli.durations import parse_duration
from stepline.cli.exit_codes import ExitCode, exit_code
from stepline.cli.options import announced_target, target_options


@click.command("watch")
@click.argument("pipeline", required=False)
@click.option("--execution-id", help="The execution; by default the one under way, or the next one.")
@click.option("--timeout", help="How long to watch, such as 30m; by default until it is over.")
@target_options
@click.pass_context
def command(
    ctx: click.Context, /, *, pipeline: str | None, execution_id: str | None, timeout: str | None
) -> None:
    """Show an execution of PIPELINE live: stages, actions, and the states inside.

    On a terminal it is drawn in place; elsewhere each change is a line. Waits for the next execution
    if none is under way. PIPELINE may be left out if there is only one.

    Exit code: 0 succeeded, 1 failed, 3 stopped or superseded, 124 --timeout passed.
    """
    seconds = parse_duration(timeout).total_seconds() if timeout else None
    target = announced_target(ctx)
    codepipeline = target.client("codepipeline")
    polling = new_polling(is_local=target.is_local, timeout_seconds=seconds)
    definition = choose_pipeline(codepipeline, pipeline)
    output, messages = terminal.output(), terminal.messages()
    try:
        if execution_id:
            execution = pipeline_execution(codepipeline, definition.name, execution_id)
        else:
            execution = newest_or_next(
                codepipeline, definition.name, polling, waiting=lambda text: terminal.say(messages, text)
            )
        run = watching.watch(target, definition, execution, polling, output)
    except TimeoutPassedError:
        terminal.say(messages, f"stepline: not over after {timeout}; it goes on without being watched")
        ctx.exit(ExitCode.TIMED_OUT)
    watching.conclude(run, target, output)
    ctx.exit(exit_code(run))

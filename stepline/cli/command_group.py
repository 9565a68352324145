"""The command group `stepline`, which loads commands and turns each error into one line and an exit code.

Exit codes: 0 success; 1 failure, with the reason in one line; 2 wrong command line; 3 the execution of the
pipeline was stopped or superseded; 124 `--timeout` passed; 128 + n ended by signal n, so 130 for Ctrl-C.
"""

from __future__ import annotations

import importlib
import os
from importlib.metadata import version
from typing import Any

import click

from stepline.aws.error_messages import explain
from stepline.cli import terminal
from stepline.cli.options import target_options
from stepline.core.errors import UsageError
from stepline.core.suggestions import similar_name
from stepline.processes.interruptions import Interrupted

_EXIT_CODE_OF_CTRL_C = 130

# In the order in which users need them; a module is imported only when its command is called.
_COMMANDS = {
    "init": "Write the files with which a pipeline deploys your own project.",
    "up": "Start the local AWS and deploy the template to it.",
    "run": "Start the local AWS, push an application and watch the pipeline.",
    "push": "Push a directory to the pipeline's repository.",
    "watch": "Show an execution of a pipeline until it ends.",
    "status": "Show the pipelines and their latest executions.",
    "console": "Show pipelines and executions in a browser.",
    "approve": "Approve what a pipeline or a deployment waits for.",
    "reject": "Reject what a pipeline or a deployment waits for.",
    "logs": "Show the log of a function or of a Batch job.",
    "invoke": "Invoke a function with an event.",
    "env": "Write the environment variables of functions, for `sam local invoke`.",
    "workflow": "Change a state machine's definition without permissions for its stack.",
    "image": "Push container images to ECR, and delete them.",
    "completion": "Print the script with which a shell completes commands.",
    "down": "Stop the local AWS.",
}


class FailedError(click.ClickException):
    """Shows an error as one line, after its details if it has any."""

    def __init__(self, error: Exception) -> None:
        super().__init__(explain(error))
        self._details = error.details if isinstance(error, UsageError) else ()

    def show(self, file: object = None) -> None:
        for line in self._details:
            terminal.print_message(f"  {line}", style="quiet")
        terminal.print_message(f"stepline: {self.format_message()}", style="bad")


class Stepline(click.Group):
    """The group of commands, each of which is loaded when it is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module = importlib.import_module(f"stepline.cli.commands.{name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest a command for a mistyped one: click knows only the commands that are loaded."""
        if args[0] not in _COMMANDS and (similar := similar_name(args[0], _COMMANDS)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {similar!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            raise  # click handles it: the reader of a pipe, such as `| head`, has ended
        except Interrupted as interrupted:
            ctx.exit(interrupted.exit_code)
        except KeyboardInterrupt:
            ctx.exit(_EXIT_CODE_OF_CTRL_C)
        except Exception as error:
            if os.environ.get("STEPLINE_DEBUG"):
                raise
            raise FailedError(error) from error


@click.group(
    cls=Stepline,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 success, 1 failure, 2 wrong command line, 3 the execution was stopped or "
    "superseded, 124 --timeout passed, 130 Ctrl-C.",
)
@click.version_option(version("stepline"), prog_name="stepline", message="%(prog)s %(version)s")
@target_options
def cli() -> None:
    """Run Step Functions workflows as actions of CodePipeline, on AWS and on a local AWS."""

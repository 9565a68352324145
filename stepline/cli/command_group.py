"""`stepline`: finds the command, and turns every error into one line and an exit code.

Exit codes: 0 done; 1 it failed, for a reason told in one line; 2 the command line was
wrong; 3 the pipeline's execution was stopped or superseded; 124 `--timeout` passed;
128 + n ended by signal n, so 130 by Ctrl-C.
"""

from __future__ import annotations

import importlib
import os
from importlib.metadata import version
from typing import Any, Never

import click

from stepline.cli import terminal
from stepline.cli.error_messages import explain
from stepline.cli.options import target_options
from stepline.core.errors import UsageError
from stepline.processes.interruptions import Interrupted

_BY_CTRL_C = 130

# In the order in which one needs them; a module is imported only when its command is called.
_COMMANDS = {
    "up": "Start the local AWS and deploy the template to it.",
    "run": "Push the sample application through the pipeline, end to end.",
    "push": "Push a directory to the pipeline's repository.",
    "watch": "Show an execution of a pipeline live.",
    "status": "Show the pipelines and what they do.",
    "logs": "Show what a function or a job logged.",
    "invoke": "Invoke a function with an event.",
    "workflow": "Change a workflow without any right to its stack.",
    "image": "Push container images to ECR, and delete them.",
    "down": "Stop the local AWS.",
}


class FailedError(click.ClickException):
    """An error as the command line shows it: one line, perhaps with the end of a log above it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(explain(error))
        self._details = error.details if isinstance(error, UsageError) else ()

    def show(self, file: object = None) -> None:
        messages = terminal.messages()
        for line in self._details:
            terminal.say(messages, f"  {line}", style="quiet")
        terminal.say(messages, f"stepline: {self.format_message()}", style="bad")


class Stepline(click.Group):
    """The group of commands, each loaded when it is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module = importlib.import_module(f"stepline.cli.commands.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            raise  # click knows what to do when `| head` has seen enough
        except Interrupted as interrupted:
            _leave(ctx, interrupted.exit_code)
        except KeyboardInterrupt:
            _leave(ctx, _BY_CTRL_C)
        except Exception as error:
            if os.environ.get("STEPLINE_DEBUG"):
                raise
            raise FailedError(error) from error


def _leave(ctx: click.Context, code: int) -> Never:
    ctx.exit(code)


@click.group(
    cls=Stepline,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the execution was stopped or superseded, "
    "124 --timeout passed, 130 Ctrl-C.",
)
@click.version_option(version("stepline"), prog_name="stepline", message="%(prog)s %(version)s")
@target_options
def cli() -> None:
    """Run long workflows as one action of a CodePipeline: on AWS, and on a local AWS."""

"""`stepline completion`: print the script with which a shell completes commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from stepline.cli import terminal

_PROGRAM = "stepline"
_VARIABLE = "_STEPLINE_COMPLETE"
"""click's name for the program; with it the program answers the shell."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, /, *, shell: str) -> None:
    """Print the script with which SHELL completes commands, options and names.

    Names of pipelines and functions are those of the AWS that the command would use.

    \b
    bash   echo 'eval "$(stepline completion bash)"' >> ~/.bashrc
    zsh    echo 'eval "$(stepline completion zsh)"' >> ~/.zshrc
    fish   stepline completion fish > ~/.config/fish/completions/stepline.fish
    """
    completion = get_completion_class(shell)
    assert completion is not None  # click has all three
    terminal.print_result(completion(ctx.find_root().command, {}, _PROGRAM, _VARIABLE).source())

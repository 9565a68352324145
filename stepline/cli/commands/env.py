"""`stepline env`: write the environment variables of deployed functions for `sam local invoke`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from stepline.aws.function_environments import CONTAINER_HOST, read_environments
from stepline.aws.stacks import DEFAULT_STACK
from stepline.cli import terminal
from stepline.cli.options import choose_and_show_target, default_stack_name, target_options

_PRIVATE = 0o600


@click.command("env")
@click.option(
    "--stack-name",
    "stack_names",
    multiple=True,
    help="Stack of the functions. Can be given several times. Default: that of stepline.toml, or else "
    f"{DEFAULT_STACK}, and all other stacks of a local AWS.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write. Default: standard output.",
)
@click.option(
    "--host",
    default=CONTAINER_HOST,
    show_default=True,
    help="Name of this machine in a container, for addresses of the local AWS.",
)
@target_options
@click.pass_context
def command(ctx: click.Context, /, *, stack_names: tuple[str, ...], output: Path | None, host: str) -> None:
    """Write the environment variables of deployed functions, for `sam local invoke --env-vars`.

    The functions then use the resources of the stacks: real names and ARNs, on AWS and on the local AWS. The
    file has a section for each logical id, and the section Parameters with the endpoint of the local AWS. SAM
    sets only variables that the template declares.
    """
    target = choose_and_show_target(ctx)
    environments = read_environments(target, stack_names, default_stack=default_stack_name(), host=host)
    for function in environments.left_out:
        stack = function.nested_stack or function.root_stack
        terminal.print_message(
            f"{function.logical_id} of stack {stack} is left out: another stack has the same logical id; "
            f"use --stack-name {function.root_stack}",
            style="warn",
        )
    text = json.dumps(environments.sections, indent=2, ensure_ascii=False)
    if output is None:
        terminal.print_result(text)
    else:
        _write(output, f"{text}\n")
        terminal.print_success(
            f"Wrote the variables of {len(environments.sections) - 1} functions to {output}"
        )
    terminal.print_message(
        "The values are those of the functions, in plain text: do not commit or share them.", style="warn"
    )


def _write(file: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    file.chmod(_PRIVATE)

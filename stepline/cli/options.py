"""Options that several commands share, and what a command gets from them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from stepline.aws.target import Target, TargetOptions, choose
from stepline.cli import terminal
from stepline.core.errors import UsageError
from stepline.core.local_aws import DEFAULT_PORT, DEFAULT_REGION
from stepline.deployment import project

Command = TypeVar("Command", bound=Callable[..., Any])

_FIELDS = ("endpoint_url", "region", "profile")
_META = "stepline.target"


def _remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None and param.name is not None:
        ctx.meta.setdefault(_META, {})[param.name] = value


def target_options(command: Command) -> Command:
    """`--endpoint-url`, `--region`, `--profile`: accepted before the command's name and after it."""
    helps = {
        "endpoint_url": "The AWS to talk to; default: AWS_ENDPOINT_URL, else a running local AWS, else AWS.",
        "region": "The region; by default that of the AWS configuration; a local AWS has its own.",
        "profile": "The profile of the AWS configuration; means AWS, even while the local AWS runs.",
    }
    for name in reversed(_FIELDS):
        flag = "--" + name.replace("_", "-")
        command = click.option(flag, name, expose_value=False, callback=_remember, help=helps[name])(command)
    return command


port_option = click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port of the local AWS.",
)

local_region_option = click.option(
    "--region",
    # As for every AWS client, so that the `aws` command line in the same terminal means the same region.
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    show_envvar=True,
    default=DEFAULT_REGION,
    show_default=True,
    help="Region that the local AWS shall be.",
)

pipeline_option = click.option("--pipeline", help="The pipeline, if there are several.")

stack_option = click.option(
    "--stack-name", default="stepline", show_default=True, help="The stack whose logical ids are meant."
)

deploy_options = (
    click.option(
        "--template",
        type=click.Path(dir_okay=False, path_type=Path),
        default=functools.partial(project.find, project.TEMPLATE),
        help="The SAM template to deploy; default: template.yaml here, else the one of stepline itself.",
    ),
    click.option("--stack-name", default="stepline", show_default=True, help="Name of its stack."),
    click.option(
        "--parameter",
        "parameters",
        multiple=True,
        metavar="KEY=VALUE",
        help="A parameter of the template; may be given several times.",
    ),
)

source_argument = click.argument(
    "source",
    default=functools.partial(project.find, project.SAMPLE_APPLICATION),
    metavar="[SOURCE_DIR]",
    type=click.Path(path_type=Path),
)

with_option = click.option(
    "--with",
    "with_systems",
    multiple=True,
    metavar="SYSTEM,...",
    help="Deploy these systems, too: folders of statemachines/ that have a template. "
    "Theirs is --parameter SYSTEM.KEY=VALUE.",
)


def with_options(
    *options: Callable[[Command], Command],
) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order in which `--help` shall list them."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def given_target(ctx: click.Context) -> TargetOptions:
    """What the user said about the AWS that is meant, before the command's name or after it."""
    return TargetOptions(**ctx.meta.get(_META, {}))


def announced_target(ctx: click.Context) -> Target:
    """The AWS that is meant; said on stderr, so that nobody deploys to the wrong one unaware."""
    target = choose(given_target(ctx), os.environ)
    announce(target)
    return target


def announce(target: Target) -> None:
    terminal.say(terminal.messages(), f"stepline: {target}", style="quiet")


def parse_parameters(words: tuple[str, ...]) -> dict[str, str]:
    """`("A=1", "B=2")` as a mapping. Raises UsageError for a word without `=`."""
    pairs = [word.partition("=") for word in words]
    for word, (key, sign, _) in zip(words, pairs, strict=True):
        if not sign or not key:
            raise UsageError(f"--parameter {word}: write it as KEY=VALUE")
    return {key: value for key, _, value in pairs}

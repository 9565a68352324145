"""Options that several commands share, and the values that commands get from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from stepline.applications.settings import SETTINGS_FILE, is_application, pipeline_name, pipeline_settings
from stepline.aws.pipelines import PipelineDefinition, find_pipeline
from stepline.aws.stacks import DEFAULT_STACK
from stepline.aws.target import Target, TargetOptions, choose_target
from stepline.cli import terminal
from stepline.core.errors import UsageError
from stepline.core.local_aws import DEFAULT_CONSOLE_PORT, DEFAULT_PORT, DEFAULT_REGION
from stepline.deployment import project
from stepline.deployment.input_check import INPUT_FILE
from stepline.deployment.systems import Deployment
from stepline.localaws.http.browser_protection import AllowedPages

Command = TypeVar("Command", bound=Callable[..., Any])

_TARGET_HELP = {
    "endpoint_url": "Endpoint URL of the AWS to use. Default: AWS_ENDPOINT_URL, then a running local AWS, "
    "then AWS.",
    "region": "Region. Default: the one of the AWS configuration, or of the local AWS.",
    "profile": "Profile of the AWS configuration. Uses AWS even if a local AWS is running.",
}
_META = "stepline.target"


def _remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None and param.name is not None:
        ctx.meta.setdefault(_META, {})[param.name] = value


def target_options(command: Command) -> Command:
    """Add `--endpoint-url`, `--region` and `--profile`, before the command's name and after it."""
    for name, text in reversed(_TARGET_HELP.items()):
        flag = "--" + name.replace("_", "-")
        command = click.option(flag, name, expose_value=False, callback=_remember, help=text)(command)
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
    # The variables of every AWS client, so that `aws` in the same terminal uses the same region.
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    show_envvar=True,
    default=DEFAULT_REGION,
    show_default=True,
    help="Region of the local AWS.",
)

allow_options = (
    click.option(
        "--allow-host",
        "allowed_hosts",
        multiple=True,
        metavar="NAME",
        envvar="STEPLINE_ALLOW_HOST",
        show_envvar=True,
        help="Also serve requests to this host name, besides 127.0.0.1 and localhost: "
        "host.docker.internal for containers. Can be given several times.",
    ),
    click.option(
        "--allow-origin",
        "allowed_origins",
        multiple=True,
        metavar="ORIGIN",
        envvar="STEPLINE_ALLOW_ORIGIN",
        show_envvar=True,
        help="Let web pages of this origin use the local AWS, such as http://localhost:3000; they can then "
        "do whatever you can. Can be given several times.",
    ),
)


def default_stack_name() -> str:
    """Return the stack of the pipeline of the current folder's application, or else `stepline`."""
    return pipeline_settings(Path()).stack_name or DEFAULT_STACK


stack_option = click.option(
    "--stack-name",
    default=default_stack_name,
    help=f"Stack whose logical ids come first. Default: that of {SETTINGS_FILE}, or else {DEFAULT_STACK}.",
)

deploy_options = (
    click.option(
        "--template",
        type=click.Path(dir_okay=False, path_type=Path),
        help=f"SAM template to deploy. Default: template.yaml in this folder, unless it has a {INPUT_FILE}; "
        "else the template of stepline.",
    ),
    click.option(
        "--stack-name",
        help=f"Name of the stack. Default: that of {SETTINGS_FILE}, or else {DEFAULT_STACK}.",
    ),
    click.option(
        "--parameter",
        "parameters",
        multiple=True,
        metavar="KEY=VALUE",
        help="Parameter of the template. Can be given several times.",
    ),
)

console_options = (
    click.option(
        "--console-port",
        type=click.IntRange(1, 65535),
        help=f"Port of the console. Default: {DEFAULT_CONSOLE_PORT}, or a free one if that is in use.",
    ),
    click.option("--no-console", "without_console", is_flag=True, help="Start no console."),
)

check_option = click.option(
    "--no-check",
    "is_unchecked",
    is_flag=True,
    help="Check neither the input of the action, nor the templates with cfn-lint, and go on.",
)


def _default_source() -> Path:
    return Path() if is_application(Path()) else project.find(project.SAMPLE_APPLICATION)


source_argument = click.argument(
    "source",
    default=_default_source,
    metavar="[SOURCE_DIR]",
    type=click.Path(path_type=Path),
)


def with_options(
    *options: Callable[[Command], Command],
) -> Callable[[Command], Command]:
    """Combine options into one decorator; `--help` lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def find_chosen_pipeline(target: Target, name: str | None, folder: Path | None = None) -> PipelineDefinition:
    """Return the pipeline `name`; without a name that of the application in the folder, by default this one.

    Without stepline.toml it is the only pipeline, or else that of the stack `stepline`. Raises UsageError.
    """
    own = None if name else pipeline_name(folder or Path())
    try:
        return find_pipeline(target, name or own)
    except UsageError as error:
        if own is None:
            raise
        advice = f"{SETTINGS_FILE} names it: deploy it first (locally: `stepline up`)"
        raise UsageError(f"{error.message}; {advice}") from error


def given_target_options(ctx: click.Context) -> TargetOptions:
    """Return the target options of the command line."""
    return TargetOptions(**ctx.meta.get(_META, {}))


def choose_and_show_target(ctx: click.Context) -> Target:
    """Return the AWS to use, and print it to stderr, so that nobody deploys to the wrong one."""
    target = choose_target(given_target_options(ctx), os.environ)
    show_target(target)
    return target


def show_target(target: Target) -> None:
    terminal.print_message(f"stepline: {target}", style="quiet")


def server_options(allowed_hosts: Sequence[str], allowed_origins: Sequence[str]) -> list[str]:
    """Return the server's options for the values of `allow_options`. Raises UsageError for invalid ones."""
    allowed = AllowedPages.parse(allowed_hosts, allowed_origins)
    hosts = [f"--allow-host={name}" for name in sorted(allowed.hosts)]
    return [*hosts, *(f"--allow-origin={origin}" for origin in sorted(allowed.origins))]


def main_deployment(
    template: Path | None, stack_name: str | None, parameters: Mapping[str, str]
) -> Deployment:
    """Return the deployment that `deploy_options` choose.

    In the folder of an application, that is its pipeline, with the settings of stepline.toml, which options
    replace. Raises UsageError if the file is wrong.
    """
    if template is not None:
        return Deployment(template, stack_name or DEFAULT_STACK, parameters)
    if not is_application(Path()):
        return Deployment(project.find(project.TEMPLATE), stack_name or DEFAULT_STACK, parameters)
    settings = pipeline_settings(Path())
    own = Path(settings.template_file) if settings.template_file else project.own_template()
    name = stack_name or settings.stack_name or DEFAULT_STACK
    return Deployment(own, name, {**settings.parameters, **parameters})


def parse_parameters(arguments: tuple[str, ...]) -> dict[str, str]:
    """Parse `("A=1", "B=2")`. Raises UsageError if an argument has no `=`."""
    parameters = {}
    for argument in arguments:
        key, sign, value = argument.partition("=")
        if not sign or not key:
            raise UsageError(f"--parameter {argument}: write it as KEY=VALUE")
        parameters[key] = value
    return parameters

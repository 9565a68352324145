"""`stepline workflow`: change the definition of a state machine, and nothing else of its stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from stepline.aws.polling import TimeoutPassedError, new_polling
from stepline.aws.target import Target, TargetOptions, choose
from stepline.cli import terminal
from stepline.cli.durations import parse_duration
from stepline.cli.exit_codes import ExitCode
from stepline.cli.options import announce, announced_target, given_target, target_options, with_options
from stepline.git import hook
from stepline.processes.interruptions import Interruptions
from stepline.workflow import deployment
from stepline.workflow.definition_file import DefinitionFile
from stepline.workflow.deployment import Clients, DeployOptions, Screen
from stepline.workflow.updater import DEFAULT_STACK

_DEFAULT_TIMEOUT = "15m"  # an update of a state machine takes seconds
_DIFF_STYLES = {"+": "good", "-": "bad", "@": "busy", "~": "warn"}

_updater_option: Callable[[Any], Any] = click.option(
    "--updater",
    "updater_stack",
    default=DEFAULT_STACK,
    show_default=True,
    help="The stack with the macro, the bucket and the roles.",
)
_stack_option: Callable[[Any], Any] = click.option(
    "--stack", "stack_name", required=True, help="The stack that the state machine belongs to."
)
_machine_option: Callable[[Any], Any] = click.option(
    "--state-machine", "logical_id", metavar="LOGICAL_ID", help="Its logical id, if the stack has several."
)


@click.group("workflow")
def command() -> None:
    """Change a workflow's definition without any right to its stack."""


@command.command("deploy")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_options(
    _stack_option,
    _machine_option,
    click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
    click.option(
        "--timeout", default=_DEFAULT_TIMEOUT, show_default=True, help="How long to wait for the update."
    ),
    _updater_option,
)
@target_options
@click.pass_context
def deploy(
    ctx: click.Context,
    /,
    *,
    file: Path,
    stack_name: str,
    logical_id: str | None,
    dry_run: bool,
    timeout: str,
    updater_stack: str,
) -> None:
    """Make FILE the definition of the state machine, and print its new revision.

    Shows what changes. Refuses to change anything but that definition.

    Exit code: 0 done, or nothing to change; 1 failed; 124 --timeout passed.
    """
    seconds = parse_duration(timeout).total_seconds()
    options = DeployOptions(DefinitionFile.read(file), stack_name, logical_id, updater_stack, dry_run)
    target = announced_target(ctx)
    if not run_deployment(options, target, seconds):
        terminal.say(terminal.messages(), f"stepline: not over after {timeout}", style="bad")
        ctx.exit(ExitCode.TIMED_OUT)


def run_deployment(options: DeployOptions, target: Target, timeout_seconds: float) -> bool:
    """False if the time passed."""
    messages, output = terminal.messages(), terminal.output()
    screen = Screen(say=lambda text: terminal.say(messages, text, style="quiet"), show=_show)
    polling = new_polling(is_local=target.is_local, timeout_seconds=timeout_seconds)
    try:
        with Interruptions() as interruptions:
            outcome = deployment.deploy(options, _clients(target), polling, screen, interruptions.held)
    except TimeoutPassedError:
        return False
    if outcome.revision is not None:
        terminal.say(messages, f"{outcome.machine_arn} is updated; executions that run go on as they began")
        terminal.say(output, f"revision {outcome.revision}", style="good")
    elif outcome.changed:
        terminal.say(messages, "dry run: nothing was changed, and the change set is deleted", style="warn")
    return True


@command.command("publish")
@with_options(_stack_option, _updater_option)
@target_options
@click.pass_context
def publish(ctx: click.Context, /, *, stack_name: str, updater_stack: str) -> None:
    """Let developers deploy to the stack as it is now.

    For whoever is in charge of the stack: after it was created, and after each change of its template.
    Prints the URL of the published template.
    """
    target = announced_target(ctx)
    terminal.say(terminal.output(), deployment.publish(_clients(target), stack_name, updater_stack))


@command.group("hook")
def hook_group() -> None:
    """Deploy with each git push that changes the definition."""


@hook_group.command("install")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_options(
    _stack_option,
    _machine_option,
    click.option("--branch", default="main", show_default=True, help="Pushes to this branch deploy."),
    _updater_option,
)
@target_options
@click.pass_context
def install(
    ctx: click.Context,
    /,
    *,
    file: Path,
    stack_name: str,
    logical_id: str | None,
    branch: str,
    updater_stack: str,
) -> None:
    """Deploy FILE from now on with each push that changes it, before anything is pushed.

    A deployment that fails stops the push. The AWS is that of the moment of the push, or what
    --endpoint-url, --region and --profile say now.
    """
    repository = hook.Repository.around(file)
    target = given_target(ctx)
    entry = hook.Entry(
        file=repository.path_of(file),
        stack=stack_name,
        state_machine=logical_id or "",
        branch=branch,
        updater=updater_stack,
        endpoint_url=target.endpoint_url or "",
        region=target.region or "",
        profile=target.profile or "",
    )
    path = hook.install(repository, entry)
    terminal.say(terminal.messages(), f"{path} deploys {entry.file} with each push to {branch}", style="good")


@hook_group.command("uninstall")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def uninstall(*, file: Path) -> None:
    """Deploy FILE with git pushes no more."""
    repository = hook.Repository.around(file)
    hook.uninstall(repository, repository.path_of(file))
    terminal.say(terminal.messages(), f"{file} is deployed with pushes no more", style="good")


@hook_group.command("run", hidden=True)
@click.argument("remote", nargs=-1)
@click.pass_context
def run(ctx: click.Context, /, *, remote: tuple[str, ...]) -> None:
    """What git calls before a push; it tells the pushed commits on standard input."""
    del remote  # its name and address
    repository = hook.Repository.around(Path.cwd())
    pushes = hook.read_pushes(sys.stdin.read())
    for entry, content in hook.changed_files(repository, pushes):
        terminal.say(
            terminal.messages(), f"stepline: {entry.file} has changed: deploying it to {entry.stack}"
        )
        if not _deploy_pushed(entry, content):
            terminal.say(terminal.messages(), f"stepline: not over after {_DEFAULT_TIMEOUT}", style="bad")
            ctx.exit(ExitCode.TIMED_OUT)


def _deploy_pushed(entry: hook.Entry, content: bytes) -> bool:
    """False if the time passed."""
    options = DeployOptions(
        DefinitionFile.parse(entry.file, content),
        entry.stack,
        entry.state_machine or None,
        entry.updater or DEFAULT_STACK,
        dry_run=False,
    )
    given = TargetOptions(entry.endpoint_url or None, entry.region or None, entry.profile or None)
    target = choose(given, os.environ)
    announce(target)
    return run_deployment(options, target, parse_duration(_DEFAULT_TIMEOUT).total_seconds())


def _clients(target: Target) -> Clients:
    return Clients(target.client("cloudformation"), target.client("s3"), target.client("stepfunctions"))


def _show(states: list[str], lines: list[str]) -> None:
    """The changed states, then the changed lines."""
    output = terminal.output()
    for line in [*states, "", *lines]:
        terminal.say(output, line, style=_DIFF_STYLES.get(line[:1]))

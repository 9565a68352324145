"""`stepline workflow`: change the definition of a state machine, and nothing else of its stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from stepline.aws.polling import TimeoutPassedError, new_poller
from stepline.aws.target import Target, TargetOptions, choose_target
from stepline.cli import terminal
from stepline.cli.exit_codes import ExitCode
from stepline.cli.options import (
    choose_and_show_target,
    given_target_options,
    show_target,
    target_options,
    with_options,
)
from stepline.cli.times import parse_duration
from stepline.git import hook
from stepline.processes.interruptions import Interruptions
from stepline.workflow.definition_file import DefinitionFile
from stepline.workflow.definition_update import Clients, Reporter, UpdateOptions, update_definition
from stepline.workflow.published_template import publish_template
from stepline.workflow.updater import DEFAULT_STACK

_DEFAULT_TIMEOUT = "15m"  # an update of a state machine takes seconds
_DIFF_STYLES = {"+": "good", "-": "bad", "@": "busy", "~": "warn"}

_updater_option: Callable[[Any], Any] = click.option(
    "--updater",
    "updater_stack",
    default=DEFAULT_STACK,
    show_default=True,
    help="Stack with the macro, the bucket and the roles of the updater.",
)
_stack_option: Callable[[Any], Any] = click.option(
    "--stack", "stack_name", required=True, help="Stack of the state machine."
)
_machine_option: Callable[[Any], Any] = click.option(
    "--state-machine",
    "logical_id",
    metavar="LOGICAL_ID",
    help="Logical id of the state machine. Required if the stack has several.",
)


@click.group("workflow")
def command() -> None:
    """Change the definition of a state machine without permissions for its stack."""


@command.command("deploy")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_options(
    _stack_option,
    _machine_option,
    click.option("--dry-run", is_flag=True, help="Show what would change, without changing it."),
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
    """Deploy the definition in FILE.

    Shows what changes, refuses to change anything else, and prints the new revision of the state machine.

    Exit code: 0 updated, or nothing to change; 1 failed; 124 --timeout passed.
    """
    seconds = parse_duration(timeout).total_seconds()
    options = UpdateOptions(DefinitionFile.read(file), stack_name, logical_id, updater_stack, dry_run)
    _update(ctx, options, choose_and_show_target(ctx), seconds)


def _update(ctx: click.Context, options: UpdateOptions, target: Target, timeout_seconds: float) -> None:
    """Update the definition and print the result. Exits with code 124 if the time-out passes."""
    reporter = Reporter(
        message=lambda text: terminal.print_message(text, style="quiet"), changes=_print_changes
    )
    poller = new_poller(is_local=target.is_local, timeout_seconds=timeout_seconds)
    try:
        with Interruptions() as interruptions:
            result = update_definition(options, _clients(target), poller, reporter, interruptions.deferred)
    except TimeoutPassedError as error:
        terminal.print_message(f"stepline: {error}", style="bad")
        ctx.exit(ExitCode.TIMED_OUT)
    if result.revision is not None:
        terminal.print_message(f"{result.machine_arn} is updated; running executions keep their definition")
        terminal.print_result(f"revision {result.revision}", style="good")
    elif result.changed:
        terminal.print_message("dry run: nothing was changed, and the change set is deleted", style="warn")


@command.command("publish")
@with_options(_stack_option, _updater_option)
@target_options
@click.pass_context
def publish(ctx: click.Context, /, *, stack_name: str, updater_stack: str) -> None:
    """Publish the stack's template for developers.

    The owner of the stack runs this after creating the stack and after each change of its template, so that
    developers can deploy definitions. Prints the URL of the published template.
    """
    clients = _clients(choose_and_show_target(ctx))
    url = publish_template(clients.cloudformation, clients.s3, stack_name, updater_stack)
    terminal.print_result(url)


@command.group("hook")
def hook_group() -> None:
    """Deploy definitions with git pushes."""


@hook_group.command("install")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_options(
    _stack_option,
    _machine_option,
    click.option("--branch", default="main", show_default=True, help="Branch whose pushes deploy FILE."),
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
    """Install a git hook that deploys FILE.

    The hook runs before each push that changes FILE. The push is stopped if the deployment fails.
    --endpoint-url, --region and --profile are saved; without them, the AWS is chosen at the time of the push.
    """
    repository = hook.Repository.containing(file)
    target = given_target_options(ctx)
    definition = hook.HookedDefinition(
        file=repository.relative_path(file),
        stack=stack_name,
        state_machine=logical_id or "",
        branch=branch,
        updater=updater_stack,
        endpoint_url=target.endpoint_url or "",
        region=target.region or "",
        profile=target.profile or "",
    )
    path = hook.install(repository, definition)
    terminal.print_message(f"{path} deploys {definition.file} with each push to {branch}", style="good")


@hook_group.command("uninstall")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def uninstall(*, file: Path) -> None:
    """Stop deploying FILE with git pushes."""
    repository = hook.Repository.containing(file)
    hook.uninstall(repository, repository.relative_path(file))
    terminal.print_message(f"pushes no longer deploy {file}", style="good")


@hook_group.command("run", hidden=True)
@click.argument("remote", nargs=-1)
@click.pass_context
def run(ctx: click.Context, /, *, remote: tuple[str, ...]) -> None:
    """Deploy the definitions that a push changes. git calls this, with the pushed refs in standard input."""
    del remote  # its name and URL
    repository = hook.Repository.containing(Path.cwd())
    refs = hook.parse_pushed_refs(sys.stdin.read())
    for definition, content in hook.changed_definitions(repository, refs):
        _deploy_pushed(ctx, definition, content)


def _deploy_pushed(ctx: click.Context, definition: hook.HookedDefinition, content: bytes) -> None:
    terminal.print_message(f"stepline: {definition.file} has changed: deploying it to {definition.stack}")
    options = UpdateOptions(
        DefinitionFile.parse(definition.file, content),
        definition.stack,
        definition.state_machine or None,
        definition.updater or DEFAULT_STACK,
        dry_run=False,
    )
    target_names = (definition.endpoint_url, definition.region, definition.profile)
    target = choose_target(TargetOptions(*(name or None for name in target_names)), os.environ)
    show_target(target)
    _update(ctx, options, target, parse_duration(_DEFAULT_TIMEOUT).total_seconds())


def _clients(target: Target) -> Clients:
    return Clients(target.client("cloudformation"), target.client("s3"), target.client("stepfunctions"))


def _print_changes(states: list[str], lines: list[str]) -> None:
    for line in [*states, "", *lines]:
        terminal.print_result(line, style=_DIFF_STYLES.get(line[:1]))

"""Starts a local AWS and deploys templates to it, for `stepline up` and `stepline run`."""

from __future__ import annotations

import importlib.util
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from os import getpid
from pathlib import Path

from botocore.exceptions import BotoCoreError

from stepline.aws import local_servers
from stepline.aws.local_servers import LocalAws, Owner
from stepline.aws.target import Target
from stepline.cli import terminal
from stepline.cli.template_findings import check_and_show
from stepline.core.cloudformation.stacks import find_stack
from stepline.core.durations import format_duration
from stepline.core.errors import UsageError
from stepline.deployment import project
from stepline.deployment import template as templates
from stepline.deployment.stack import deploy
from stepline.deployment.stack_changes import DeployedStack, Outcome, ResourceChange
from stepline.deployment.systems import (
    IMAGE_REPOSITORY_OUTPUT,
    Deployment,
    SystemDeployment,
    list_systems,
    system_stack_name,
)
from stepline.deployment.template_check import needs_check
from stepline.git.client import find_git
from stepline.images.push import push_folder
from stepline.processes import console_process, process_table, server_process
from stepline.processes.interruptions import Interruptions

_SIGNS = {"Add": "+", "Remove": "-"}
_STYLES = {"+": "good", "-": "bad", "~": "warn"}


def check_prerequisites(*deployments: Deployment) -> None:
    """Check what can be checked before anything is started. Raises UsageError."""
    if importlib.util.find_spec("ministack") is None:
        raise UsageError("the local AWS is not installed: run `pip install 'stepline[local]'`")
    find_git()
    for deployment in deployments:
        templates.read_template(deployment.template)


def check_templates(*deployments: Deployment, region: str, more: Sequence[Path] = ()) -> None:
    """Check the templates, besides those of stepline itself, and `more`. Raises UsageError."""
    deployed = [deployment.template for deployment in deployments if needs_check(deployment.template)]
    check_and_show([*deployed, *more], region=region)


def _prepare_port(port: int) -> None:
    """Remove what a killed local AWS left on `port`. Raises UsageError, with the process, if it is in use."""
    previous = local_servers.load(port)
    if previous is not None:
        if _is_in_use(previous):
            owner = previous.owner
            command = f" (by `stepline {owner.command}`, process {owner.pid})" if owner else ""
            raise UsageError(
                f"a local AWS is just starting on port {port}{command}: try again when it is ready, "
                f"stop it with `stepline down --port {port}`, or use another --port"
            )
        server_process.stop(previous)
    local_servers.delete_state_file(port)
    if not server_process.port_is_free(port):
        process = process_table.find_listener(port)
        program = f"{process.name} (process {process.pid})" if process else "another program"
        raise UsageError(f"port {port} is in use by {program}: stop it, or use --port {port + 1}")


def find_running(port: int) -> LocalAws | None:
    """Return the local AWS on `port` to deploy to, or None if none is running or its command was killed.

    Raises UsageError for that of `stepline run`, which ends with its execution.
    """
    local_aws = local_servers.find_running(port)
    if local_aws is None or server_process.owner_has_ended(local_aws):
        return None
    if local_aws.owner and local_aws.owner.command == "run":
        raise UsageError(f"port {port} is in use by another `stepline run`: wait, or use --port {port + 1}")
    return local_aws


def find_deployed_systems(target: Target, main: Deployment) -> list[str]:
    """Return the names of the systems beside the main stack that are deployed already."""
    cloudformation = target.client("cloudformation")
    return [
        system.name
        for system in list_systems(main.template.parent)
        if find_stack(cloudformation, system_stack_name(main.stack_name, system.name)) is not None
    ]


@dataclass(frozen=True)
class ConsoleChoice:
    """Whether a local AWS gets a console, and on which port; None is the default port, or else a free one."""

    is_wanted: bool
    port: int | None

    def listen(self, local_aws_port: int) -> AbstractContextManager[socket.socket | None]:
        """Return the socket for the console, or None. Raises UsageError if the chosen port is in use."""
        if not self.is_wanted:
            return nullcontext()
        if not console_process.is_installed():
            terminal.print_message("No console: pip install 'stepline[console]'", style="quiet")
            return nullcontext()
        return console_process.listen(self.port, local_aws_port=local_aws_port)


def wait_for_console(local_aws: LocalAws) -> str | None:
    """Return the address of its console; None if it has none, or after a message if that does not respond."""
    if local_aws.console is None:
        return None
    try:
        return console_process.wait_until_ready(local_aws)
    except UsageError as error:
        terminal.print_message(f"stepline: {error.message}", style="warn")
        return None


@contextmanager
def started_local_aws(
    port: int,
    *,
    region: str,
    interruptions: Interruptions,
    command: str | None,
    options: Sequence[str] = (),
    console: ConsoleChoice,
) -> Iterator[LocalAws]:
    """Start a local AWS, and stop it at the end. Without a `command`, stop it only after an error.

    `options` are further options of the server.
    """
    _prepare_port(port)
    owner = Owner(getpid(), command) if command else None
    with (
        console.listen(port) as console_listener,
        _step(f"Starting the local AWS on port {port}", f"The local AWS is listening on port {port}"),
    ):
        local_aws = server_process.start(
            port,
            region=region,
            interruptions=interruptions,
            owner=owner,
            options=options,
            console_listener=console_listener,
        )
    succeeded = False
    try:
        yield local_aws
        succeeded = True
    except BotoCoreError as error:
        if not server_process.ends_soon(local_aws):
            raise
        raise server_process.unexpected_end(local_aws, "working") from error
    finally:
        if owner or not succeeded:
            with interruptions.deferred():
                server_process.stop(local_aws)


def deploy_to(target: Target, deployment: Deployment) -> DeployedStack:
    """Deploy the template, and show what has changed. Raises UsageError with CloudFormation's reason."""
    name = deployment.stack_name
    template = deployment.template
    shown = f"the {template.name} of stepline" if project.is_installed(template) else template
    with _step(f"Deploying {shown}") as step:
        deployed = deploy(
            template,
            stack_name=name,
            session=target.session,
            endpoint_url=target.endpoint_url or "",
            parameters=deployment.parameters,
            report=step.report,
        )
        step.done = f"Stack {name} is {deployed.outcome}"
    if deployed.outcome is Outcome.UPDATED:
        _show_changes(deployed.changes)
    return deployed


def _show_changes(changes: Sequence[ResourceChange]) -> None:
    for change in changes:
        if not change.is_certain:
            continue
        sign = "~" if change.is_replaced else _SIGNS.get(change.action, "~")
        replaced = ", replaced" if change.is_replaced else ""
        line = f"    {sign} {change.logical_id} ({change.resource_type}{replaced})"
        terminal.print_result(line, style=_STYLES.get(sign))


def deploy_system_to(target: Target, system: SystemDeployment) -> dict[str, str]:
    """Deploy the system, its image and its sample, and return the outputs of both stacks."""
    outputs = dict(deploy_to(target, system.deployment).outputs)
    if image := system.system.image:
        with _step(f"Pushing {image}") as step:
            push_folder(
                image,
                repository_uri=outputs[IMAGE_REPOSITORY_OUTPUT],
                session=target.session,
                local_endpoint=target.endpoint_url,
            )
            step.done = "The image is pushed"
    if sample := system.sample(outputs):
        outputs |= deploy_to(target, sample).outputs
    return outputs


@dataclass
class _Step:
    """A step that the user sees: `report` shows its progress, and `done` is shown at its end."""

    report: Callable[[str], None]
    done: str = ""


@contextmanager
def _step(doing: str, done: str = "") -> Iterator[_Step]:
    """Show a step and how long it took.

    Progress is shown on a terminal only: a log gets the beginning and the end.
    """
    begin, output = time.monotonic(), terminal.output()
    if output.is_terminal:
        with output.status(doing) as spinner:
            yield (step := _Step(lambda text: spinner.update(f"{doing}: {text}"), done))
    else:
        terminal.print_result(f"{doing} ...")
        yield (step := _Step(lambda _text: None, done))
    duration = format_duration(timedelta(seconds=time.monotonic() - begin))
    terminal.print_success(f"{step.done} ({duration})")


def _is_in_use(local_aws: LocalAws) -> bool:
    """Whether the local AWS of a state file is running or starting, and its owner has not been killed."""
    if server_process.owner_has_ended(local_aws) or not server_process.is_alive(local_aws):
        return False
    return local_aws.owner is not None or local_servers.find_running(local_aws.port) is not None

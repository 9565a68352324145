"""Starting a local AWS and deploying the template to it: what `stepline up` and `stepline run` share."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from os import getpid

from botocore.exceptions import BotoCoreError
from rich.console import Console

from stepline.aws import local_servers
from stepline.aws.local_servers import LocalAws, Owner
from stepline.aws.target import Target
from stepline.cli import terminal
from stepline.core.durations import format_duration
from stepline.core.errors import UsageError
from stepline.deployment import project
from stepline.deployment import template as templates
from stepline.deployment.stack import deploy
from stepline.deployment.systems import IMAGE_REPOSITORY_OUTPUT, Deployment, SystemDeployment
from stepline.git.push import require_git
from stepline.images.push import push_folder
from stepline.processes import process_table, server_process
from stepline.processes.interruptions import Interruptions


def check_prerequisites(*deployments: Deployment) -> None:
    """Raises UsageError before anything is started."""
    if importlib.util.find_spec("ministack") is None:
        raise UsageError("the local AWS is not installed: run `pip install 'stepline[local]'`")
    require_git()
    for deployment in deployments:
        templates.read(deployment.template)


def clear_port(port: int) -> None:
    """Make sure that a local AWS can be started on `port`, removing what a killed one left.

    Raises UsageError, saying who uses it, if it is in use.
    """
    left = local_servers.load(port)
    if left is not None:
        if _is_in_use(left):
            raise UsageError(
                f"a local AWS runs on port {port} already{_whose(left)}: "
                f"use it, stop it with `stepline down --port {port}`, or take another --port"
            )
        server_process.stop(left)
    local_servers.forget(port)
    if not server_process.port_is_free(port):
        raise UsageError(f"port {port} is in use by {_listener(port)}: stop that, or use --port {port + 1}")


@contextmanager
def started(
    port: int, *, region: str, interruptions: Interruptions, command: str | None, output: Console
) -> Iterator[LocalAws]:
    """A local AWS that `command` stops in the end; None lets it run on, unless there is an error."""
    clear_port(port)
    owner = Owner(getpid(), command) if command else None
    with step(output, f"Starting the local AWS on port {port}", f"The local AWS listens on port {port}"):
        local_aws = server_process.start(port, region=region, interruptions=interruptions, owner=owner)
    is_done = False
    try:
        yield local_aws
        is_done = True
    except BotoCoreError as error:
        if not server_process.is_ending(local_aws):
            raise
        raise server_process.died(local_aws, "working") from error
    finally:
        if owner or not is_done:
            with interruptions.held():
                server_process.stop(local_aws)


def deploy_to(target: Target, deployment: Deployment, output: Console) -> dict[str, str]:
    """Deploy the template; the stack's outputs. Raises UsageError with CloudFormation's reason."""
    name = deployment.stack_name
    template = deployment.template
    shown = f"{template.name} that comes with stepline" if project.is_installed(template) else template
    with step(output, f"Deploying {shown}", f"Stack {name} is deployed") as report:
        return deploy(
            template,
            stack_name=name,
            session=target.session,
            endpoint_url=target.endpoint_url or "",
            parameters=deployment.parameters,
            report=report,
        )


def deploy_system_to(target: Target, wanted: SystemDeployment, output: Console) -> dict[str, str]:
    """Deploy the system's stack, push its image and deploy its sample, if it has any; the outputs of both."""
    outputs = deploy_to(target, wanted.deployment, output)
    if image := wanted.system.image:
        with step(output, f"Pushing {image}", "Its image is pushed"):
            push_folder(
                image,
                repository_uri=outputs[IMAGE_REPOSITORY_OUTPUT],
                session=target.session,
                local_endpoint=target.endpoint_url,
            )
    if sample := wanted.sample(outputs):
        outputs |= deploy_to(target, sample, output)
    return outputs


@contextmanager
def step(output: Console, doing: str, done: str) -> Iterator[Callable[[str], None]]:
    """Show that something is being done, and in the end how long it took; yields what reports progress.

    Progress is for those who sit before a terminal: a log gets the beginning and the end.
    """
    begin = time.monotonic()
    if output.is_terminal:
        with output.status(doing) as spinner:
            yield lambda text: spinner.update(f"{doing}: {text}")
    else:
        terminal.say(output, f"{doing} ...")
        yield lambda _text: None
    length = format_duration(timedelta(seconds=time.monotonic() - begin))
    terminal.say(output, f"{terminal.glyphs(output).good} {done} ({length})")


def _is_in_use(left: LocalAws) -> bool:
    """True if the local AWS of a state file serves somebody, or is about to."""
    if server_process.owner_is_gone(left):
        return False
    return server_process.is_alive(left) and (left.owner is not None or _answers(left))


def _answers(left: LocalAws) -> bool:
    return local_servers.running(left.port) is not None


def _whose(left: LocalAws) -> str:
    return f" (by `stepline {left.owner.command}`, process {left.owner.pid})" if left.owner else ""


def _listener(port: int) -> str:
    process = process_table.listener(port)
    return f"{process.name} (process {process.pid})" if process else "another program"

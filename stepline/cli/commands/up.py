"""`stepline up`: start the local AWS and deploy the template to it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

from stepline.aws.local_servers import LocalAws
from stepline.aws.target import local_environment, local_target
from stepline.cli import run_view, startup, terminal
from stepline.cli.options import (
    deploy_options,
    local_region_option,
    parse_parameters,
    port_option,
    with_option,
    with_options,
)
from stepline.cli.terminal import command_name
from stepline.core.local_aws import DEFAULT_PORT
from stepline.deployment.systems import Deployment, SystemDeployment, split_parameters, system_deployments
from stepline.processes import server_process
from stepline.processes.interruptions import Interrupted, Interruptions

_LOOK_SECONDS = 0.2

Deployed = Sequence[tuple[SystemDeployment, Mapping[str, str]]]
"""Each system with its stack's outputs."""


@click.command("up")
@with_options(
    port_option,
    click.option("--detach", "-d", is_flag=True, help="Return when it is ready; `stepline down` stops it."),
    with_option,
    *deploy_options,
    local_region_option,
)
def command(
    *,
    port: int,
    region: str,
    detach: bool,
    with_systems: tuple[str, ...],
    template: Path,
    stack_name: str,
    parameters: tuple[str, ...],
) -> None:
    """Start the local AWS, deploy the template to it, and stay until Ctrl-C.

    Ctrl-C stops everything and removes all that was kept. With --detach it goes on in the background.
    """
    own, of_systems = split_parameters(parse_parameters(parameters))
    main = Deployment(template, stack_name, own)
    systems = system_deployments(with_systems, main=main, parameters=of_systems)
    startup.check_prerequisites(main, *(system.deployment for system in systems))
    output = terminal.output()
    owner = None if detach else "up"
    with (
        Interruptions() as interruptions,
        startup.started(
            port, region=region, interruptions=interruptions, command=owner, output=output
        ) as local_aws,
    ):
        target = local_target(local_aws)
        outputs = startup.deploy_to(target, main, output)
        deployed = [(system, startup.deploy_system_to(target, system, output)) for system in systems]
        if detach:
            _explain(output, local_aws, outputs, deployed, detached=True)
        else:
            _stay(local_aws, outputs, deployed, output)


def _stay(local_aws: LocalAws, outputs: Mapping[str, str], deployed: Deployed, output: Console) -> None:
    """Wait for Ctrl-C, which is the usual end. Raises UsageError if the local AWS ends by a fault."""
    try:
        _explain(output, local_aws, outputs, deployed, detached=False)
        while server_process.is_alive(local_aws):
            time.sleep(_LOOK_SECONDS)
    except Interrupted:
        terminal.say(output)
        terminal.say(output, "Stopping the local AWS.")
        return
    if not server_process.was_asked_to_end(local_aws):
        raise server_process.died(local_aws, "running")
    terminal.say(output, "The local AWS was stopped.")


def _explain(
    output: Console, local_aws: LocalAws, outputs: Mapping[str, str], deployed: Deployed, *, detached: bool
) -> None:
    """What one can do next, to be pasted."""
    name = command_name()
    url = local_aws.endpoint_url
    shown = {"endpoint": url, "log": str(local_aws.log_file)}
    if clone_url := outputs.get("RepositoryCloneUrlHttp"):
        shown["clone"] = f"git clone {clone_url}"
    elsewhere = "" if local_aws.port == DEFAULT_PORT else f" --endpoint-url {url}"
    variables = local_environment(local_aws)
    terminal.say(output)
    terminal.show(output, run_view.facts("The local AWS is ready.", shown))
    for system, values in deployed:
        terminal.say(output)
        terminal.show(output, run_view.facts(_title(system), values))
    terminal.say(output)
    terminal.say(output, "Next, here:" if detached else "Next, in another terminal:", style="quiet")
    terminal.say(output, f"  {name} push{elsewhere}")
    terminal.say(output, f"  {name} watch{elsewhere}")
    terminal.say(output, f"  export {' '.join(f'{key}={value}' for key, value in variables.items())}")
    terminal.say(output)
    down = f"{name} down" + ("" if local_aws.port == DEFAULT_PORT else f" --port {local_aws.port}")
    terminal.say(output, f"`{down}` stops it." if detached else "Ctrl-C stops it.", style="quiet")


def _title(system: SystemDeployment) -> str:
    page = f", see {system.system.page}" if system.system.page else ""
    return f"System {system.system.name} is stack {system.deployment.stack_name}{page}"

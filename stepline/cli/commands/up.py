"""`stepline up`: start the local AWS and deploy the template to it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from stepline.aws.local_servers import LocalAws, console_url
from stepline.aws.target import Target, local_environment, local_target
from stepline.cli import execution_view, startup, terminal
from stepline.cli.local_outputs import local_outputs
from stepline.cli.name_completion import complete_system
from stepline.cli.options import (
    allow_options,
    check_option,
    console_options,
    deploy_options,
    local_region_option,
    main_deployment,
    parse_parameters,
    port_option,
    server_options,
    with_options,
)
from stepline.cli.terminal import command_name
from stepline.core.errors import UsageError
from stepline.core.local_aws import DEFAULT_PORT
from stepline.deployment.systems import Deployment, SystemDeployment, split_parameters, system_deployments
from stepline.processes import server_process
from stepline.processes.interruptions import Interrupted, Interruptions

_POLL_SECONDS = 0.2

Deployed = Sequence[tuple[SystemDeployment, Mapping[str, str]]]
"""Each system, with the outputs of its stacks."""


@click.command("up")
@with_options(
    port_option,
    click.option(
        "--detach",
        "-d",
        is_flag=True,
        help="Return when the local AWS is ready; stop it with `stepline down`.",
    ),
    click.option(
        "--with",
        "with_systems",
        multiple=True,
        metavar="SYSTEM,...",
        shell_complete=complete_system,
        help="Also deploy these systems: folders of statemachines/ that have a template. Set their "
        "parameters with --parameter SYSTEM.KEY=VALUE.",
    ),
    *deploy_options,
    check_option,
    local_region_option,
    *console_options,
    *allow_options,
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    port: int,
    region: str,
    detach: bool,
    with_systems: tuple[str, ...],
    template: Path | None,
    stack_name: str | None,
    parameters: tuple[str, ...],
    allowed_hosts: tuple[str, ...],
    allowed_origins: tuple[str, ...],
    is_unchecked: bool,
    console_port: int | None,
    without_console: bool,
) -> None:
    """Start the local AWS and its console, deploy the template to it, and wait for Ctrl-C.

    Ctrl-C stops the local AWS and deletes its data. With --detach it runs in the background. The console
    shows its pipelines and executions in a browser, and ends with it.

    If a local AWS is already running on the port, its stacks are updated: that of the template, and those
    of the systems that it has or --with names. Parameters that are not given keep their values. The command
    shows what has changed, and returns. Changed code of functions needs no update.

    cfn-lint checks a template of yours first: errors stop the command, warnings are shown.
    """
    main_parameters, system_parameters = split_parameters(parse_parameters(parameters))
    main = main_deployment(template, stack_name, main_parameters)
    options = server_options(allowed_hosts, allowed_origins)
    running = startup.find_running(port)
    if running is not None:
        _check_server_options(ctx, running)
        region, deployed_systems = running.region, startup.find_deployed_systems(local_target(running), main)
        with_systems = (*with_systems, *deployed_systems)
    systems = system_deployments(with_systems, main=main, parameters=system_parameters)
    startup.check_prerequisites(main, *(system.deployment for system in systems))
    if not is_unchecked:
        startup.check_templates(main, *(system.deployment for system in systems), region=region)
    if running is not None:
        _update(running, main, systems)
    else:
        console = startup.ConsoleChoice(not without_console, console_port)
        _start(port, region, options, main, systems, detach=detach, console=console)


def _check_server_options(ctx: click.Context, running: LocalAws) -> None:
    """Raise UsageError for options on the command line that a running local AWS cannot take."""
    given = {name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if "region" in given and ctx.params["region"] != running.region:
        raise UsageError(
            f"the local AWS on port {running.port} has the region {running.region}: "
            "leave out --region, or use another --port"
        )
    if given & {"console_port", "without_console"}:
        raise UsageError(
            f"the local AWS on port {running.port} starts a console only when it starts: stop it first, with "
            f"`stepline down --port {running.port}`"
        )
    if given & {"allowed_hosts", "allowed_origins"}:
        raise UsageError(
            f"the local AWS on port {running.port} serves other hosts and origins only if it is started with "
            f"them: stop it first, with `stepline down --port {running.port}`"
        )


def _update(running: LocalAws, main: Deployment, systems: Sequence[SystemDeployment]) -> None:
    terminal.print_success(f"Updating the local AWS on port {running.port}")
    try:
        with Interruptions():
            outputs, deployed = _deploy(local_target(running), main, systems)
    except Interrupted:
        terminal.print_message("The local AWS continues, and an update that has begun, too.", style="quiet")
        raise
    _show_local_aws(running, console_url(running), outputs, deployed)


def _start(
    port: int,
    region: str,
    options: Sequence[str],
    main: Deployment,
    systems: Sequence[SystemDeployment],
    *,
    detach: bool,
    console: startup.ConsoleChoice,
) -> None:
    owner = None if detach else "up"
    with (
        Interruptions() as interruptions,
        startup.started_local_aws(
            port,
            region=region,
            interruptions=interruptions,
            command=owner,
            options=options,
            console=console,
        ) as local_aws,
    ):
        outputs, deployed = _deploy(local_target(local_aws), main, systems)
        try:
            _show_local_aws(local_aws, startup.wait_for_console(local_aws), outputs, deployed)
            _show_next_commands(local_aws)
            if not detach:
                _wait_until_stopped(local_aws)
        except Interrupted:
            if detach:
                raise
            terminal.print_result()
            terminal.print_result("Stopping the local AWS.")


def _deploy(
    target: Target, main: Deployment, systems: Sequence[SystemDeployment]
) -> tuple[Mapping[str, str], Deployed]:
    """Deploy all stacks, and return the outputs of the main one and those of the systems."""
    outputs = startup.deploy_to(target, main).outputs
    return outputs, [(system, startup.deploy_system_to(target, system)) for system in systems]


def _wait_until_stopped(local_aws: LocalAws) -> None:
    """Wait until the local AWS is stopped, usually by Ctrl-C. Raises UsageError if it ends unexpectedly."""
    while server_process.is_alive(local_aws):
        time.sleep(_POLL_SECONDS)
    if not server_process.was_stopped(local_aws):
        raise server_process.unexpected_end(local_aws, "running")
    terminal.print_result("The local AWS was stopped.")


def _show_local_aws(
    local_aws: LocalAws, console: str | None, outputs: Mapping[str, str], deployed: Deployed
) -> None:
    values = {"endpoint": local_aws.endpoint_url}
    if console:
        values["console"] = console
    values["log"] = str(local_aws.log_file)
    if clone_url := outputs.get("RepositoryCloneUrlHttp"):
        values["clone"] = f"git clone {clone_url}"
    terminal.print_result()
    terminal.print_layout(execution_view.values_layout("The local AWS is ready.", values))
    if outputs and not clone_url:
        terminal.print_result()
        shown = local_outputs(outputs, local_aws)
        terminal.print_layout(execution_view.values_layout("Outputs of the stack", shown))
    for system, system_outputs in deployed:
        terminal.print_result()
        values = local_outputs(system_outputs, local_aws)
        terminal.print_layout(execution_view.values_layout(_title(system), values))


def _show_next_commands(local_aws: LocalAws) -> None:
    """Show commands that the user can paste."""
    name = command_name()
    detached = local_aws.owner is None
    has_default_port = local_aws.port == DEFAULT_PORT
    endpoint = "" if has_default_port else f" --endpoint-url {local_aws.endpoint_url}"
    variables = " ".join(f"{key}={value}" for key, value in local_environment(local_aws).items())
    terminal.print_result()
    terminal.print_result("Next, here:" if detached else "Next, in another terminal:", style="quiet")
    for text in (f"{name} push{endpoint}", f"{name} watch{endpoint}", f"export {variables}"):
        terminal.print_result(f"  {text}")
    terminal.print_result()
    down = f"{name} down" + ("" if has_default_port else f" --port {local_aws.port}")
    terminal.print_result(f"Stop it with `{down}`." if detached else "Stop it with Ctrl-C.", style="quiet")


def _title(system: SystemDeployment) -> str:
    page = f", see {system.system.page}" if system.system.page else ""
    return f"System {system.system.name} is stack {system.deployment.stack_name}{page}"

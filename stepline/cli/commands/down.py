"""`stepline down`: stop the local AWS."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import click

from stepline.aws import local_servers
from stepline.aws.target import is_local_url
from stepline.cli import terminal
from stepline.cli.options import given_target_options
from stepline.core.errors import UsageError
from stepline.core.local_aws import DEFAULT_PORT
from stepline.processes import server_process
from stepline.processes.interruptions import Interruptions


@click.command("down")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"Port of the local AWS. Default: that of --endpoint-url or AWS_ENDPOINT_URL, else {DEFAULT_PORT}.",
)
@click.pass_context
def command(ctx: click.Context, /, *, port: int | None) -> None:
    """Stop the local AWS and delete its data. Succeeds if none is running."""
    port = port or _port_of_endpoint(ctx) or DEFAULT_PORT
    local_aws = local_servers.load(port)
    if local_aws is None:
        local_servers.delete_state_file(port)  # it may be unreadable
        if pid := local_servers.read_health(port).get("pid"):
            raise UsageError(
                f"the local AWS on port {port} (process {pid}) was not started by stepline: "
                "stop it where it was started"
            )
        terminal.print_result(f"No local AWS is running on port {port}.")
        return
    was_running = server_process.is_alive(local_aws)
    with Interruptions() as interruptions, interruptions.deferred():
        server_process.stop(local_aws)
    if was_running:
        terminal.print_success(f"Stopped the local AWS on port {port}.")
    else:
        terminal.print_result(
            f"No local AWS is running on port {port}; deleted the data of one that was killed."
        )


def _port_of_endpoint(ctx: click.Context) -> int | None:
    """Return the port of the local endpoint that other commands use; None if they use another one."""
    url = given_target_options(ctx).endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
    try:
        return urlsplit(url).port if url and is_local_url(url) else None
    except ValueError as error:
        raise UsageError(f"{url!r} is not an endpoint URL: use --port") from error

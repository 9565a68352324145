"""`stepline down`: stop the local AWS."""

from __future__ import annotations

import click

from stepline.aws import local_servers
from stepline.cli import terminal
from stepline.cli.options import port_option
from stepline.core.errors import UsageError
from stepline.processes import server_process
from stepline.processes.interruptions import Interruptions


@click.command("down")
@port_option
def command(port: int) -> None:
    """Stop the local AWS and delete its data. Succeeds if none is running."""
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

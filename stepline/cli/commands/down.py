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
    """Stop the local AWS and remove all that it kept. Nothing running is fine, too."""
    output = terminal.output()
    local_aws = local_servers.load(port)
    if local_aws is None:
        local_servers.forget(port)  # a file that cannot be read
        if pid := local_servers.health(port).get("pid"):
            raise UsageError(
                f"the local AWS on port {port} (process {pid}) was not started by `stepline up`: "
                "stop it where it was started"
            )
        terminal.say(output, f"Nothing is running on port {port}.")
        return
    was_running = server_process.is_alive(local_aws)
    with Interruptions() as interruptions, interruptions.held():
        server_process.stop(local_aws)
    if was_running:
        terminal.say(output, f"{terminal.glyphs(output).good} Stopped the local AWS on port {port}.")
    else:
        terminal.say(output, f"Nothing is running on port {port}; what a killed one had left is removed.")

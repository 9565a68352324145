"""`stepline down`: stop the local AWS."""

from __future__ import annotations

import click

from stepline.cli import console, local_aws_process, runtime_state
from stepline.cli.interruptions import Interruptions
from stepline.cli.options import port_option
from stepline.errors import UsageError


@click.command("down")
@port_option
def command(port: int) -> None:
    """Stop the local AWS and remove all that it kept. Nothing running is fine, too."""
    output = console.output()
    local_aws = runtime_state.load(port)
    if local_aws is None:
        runtime_state.forget(port)  # a file that cannot be read
        if pid := local_aws_process.health(port).get("pid"):
            raise UsageError(
                f"the local AWS on port {port} (process {pid}) was not started by `stepline up`: "
                "stop it where it was started"
            )
        console.say(output, f"Nothing is running on port {port}.")
        return
    was_running = local_aws_process.is_alive(local_aws)
    with Interruptions() as interruptions, interruptions.held():
        local_aws_process.stop(local_aws)
    if was_running:
        console.say(output, f"{console.glyphs(output).good} Stopped the local AWS on port {port}.")
    else:
        console.say(output, f"Nothing is running on port {port}; what a killed one had left is removed.")

"""The command `stepline` with a stub server and a stub deployment: `BEHAVIOUR DEPLOYMENT ARGUMENTS...`."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from botocore.exceptions import EndpointConnectionError

from stepline.aws import local_servers
from stepline.cli import startup
from stepline.cli.command_group import cli
from stepline.core.errors import UsageError
from stepline.deployment.stack_changes import DeployedStack, Outcome, ResourceChange
from stepline.processes import console_process, server_process
from tests.processes.stub_server import stub_command

CONSOLE = "STEPLINE_TESTS_CONSOLE"
"""With this variable, the console is started, unless it is `not installed`."""


def deploy(_template: Path, **settings: Any) -> DeployedStack:
    existed = (file := Path("deployed")).exists()
    file.touch()
    if sys.argv[2] == "refused":
        raise UsageError("cannot deploy template.yaml: Bucket: the name is taken")
    if sys.argv[2] == "slow":
        signal.pause()
    if sys.argv[2] == "killed":
        port = int(settings["endpoint_url"].rpartition(":")[2])
        os.kill(local_servers.read_health(port)["pid"], signal.SIGKILL)
        raise EndpointConnectionError(endpoint_url=settings["endpoint_url"])
    settings["report"]("Bucket: CREATE_COMPLETE")
    outputs = {"RepositoryCloneUrlHttp": f"{settings['endpoint_url']}/v1/repos/app"}
    name = settings["stack_name"]
    if not existed:
        return DeployedStack(name, Outcome.CREATED, outputs, ())
    changes = [
        ResourceChange("Add", "Queue", "AWS::SQS::Queue", is_replaced=False),
        ResourceChange("Modify", "Table", "AWS::DynamoDB::Table", is_replaced=True),
    ]
    return DeployedStack(name, Outcome.UPDATED, outputs, changes)


if __name__ == "__main__":
    if sys.argv[1] != "real":
        setattr(server_process, "server_command", stub_command(sys.argv[1]))  # noqa: B010
    setattr(startup, "deploy", deploy)  # noqa: B010
    if os.environ.get(CONSOLE) == "not installed":
        setattr(console_process, "is_installed", lambda: False)  # noqa: B010
    elif CONSOLE not in os.environ:
        setattr(startup.ConsoleChoice, "listen", lambda *_arguments: nullcontext())  # noqa: B010
    cli(sys.argv[3:], prog_name="stepline")

"""A local AWS as a process of its own, without templates that are deployed to it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stepline.aws.local_servers import read_health
from tests.local_clients import local_client
from tests.ports import free_port
from tests.waiting import wait_for

_START_SECONDS = 30.0
_WAIT_SECONDS = 20.0
_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    directory: Path

    def client(self, service: str, **credentials: str) -> Any:
        return local_client(self.port, service, **credentials)

    def create_function(self, source: str, *, timeout_seconds: int = 60) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as target:
            target.writestr("function.py", source)
        role = self.client("iam").create_role(RoleName="test", AssumeRolePolicyDocument=json.dumps(_TRUST))
        self.client("lambda").create_function(
            FunctionName="f",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="function.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=timeout_seconds,
        )
        return "f"

    def create_rest_api(self) -> str:
        """Create a REST API with `GET /items`, which responds without a function, and return its id."""
        client = self.client("apigateway")
        api = str(client.create_rest_api(name="api")["id"])
        root = client.get_resources(restApiId=api)["items"][0]["id"]
        items = client.create_resource(restApiId=api, parentId=root, pathPart="items")["id"]
        method = {"restApiId": api, "resourceId": items, "httpMethod": "GET"}
        client.put_method(**method, authorizationType="NONE")
        client.put_method_response(**method, statusCode="200")
        templates = {"application/json": '{"statusCode": 200}'}
        client.put_integration(**method, type="MOCK", requestTemplates=templates)
        client.put_integration_response(**method, statusCode="200")
        client.create_deployment(restApiId=api, stageName="live")
        return api

    def invoke_in_background(self, name: str, started: Path) -> None:
        """Invoke the function, and return as soon as it runs."""

        def invoke() -> None:
            with contextlib.suppress(ClientError, BotoCoreError):
                self.client("lambda").invoke(FunctionName=name, Payload=f'{{"started": "{started}"}}')

        threading.Thread(target=invoke, daemon=True).start()
        wait_for(started.exists, seconds=_WAIT_SECONDS)

    def children(self) -> list[int]:
        """Return the ids of processes whose current directory is below the server's directory."""
        return [
            int(process.name)
            for process in Path("/proc").iterdir()
            if process.name.isdigit() and int(process.name) != self.process.pid and self._is_child(process)
        ]

    def _is_child(self, process: Path) -> bool:
        try:
            return str(self.directory) in str((process / "cwd").readlink())
        except OSError:
            return False


@contextlib.contextmanager
def running_server(tmp_path: Path, *options: str, **settings: Any) -> Iterator[Server]:
    """Start the local AWS, wait until it is healthy, and kill it at the end."""
    port = free_port()
    directory = tmp_path / "data"
    directory.mkdir()
    program = [sys.executable, "-m", "stepline.localaws"]
    command = [*program, "--port", str(port), "--directory", str(directory), *options]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    process = subprocess.Popen(command, env=environment, **settings)
    try:
        wait_for(lambda: read_health(port).get("pid") == process.pid, seconds=_START_SECONDS)
        yield Server(process, port, directory)
    finally:
        process.kill()
        process.wait()

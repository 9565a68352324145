"""Starts a local AWS for a load test, with its calls counted, and deploys a template to it."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.load.calls import ACCESS_KEY, PATH
from stepline.aws.local_servers import LocalAws, Owner
from stepline.core.local_aws import DEFAULT_REGION
from stepline.deployment.stack import deploy
from stepline.processes import server_process
from stepline.processes.interruptions import Interruptions

PROJECT = Path(__file__).parents[2]
STACK = "stepline"
_CONFIG = Config(
    retries={"total_max_attempts": 1},  # a call that fails is a finding
    max_pool_connections=16,
    read_timeout=120,
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True)
class DeployedLocalAws:
    """A local AWS with the stack of a template, which has these `outputs`."""

    server: LocalAws
    outputs: dict[str, str]

    @cached_property
    def _session(self) -> boto3.Session:
        return _session()

    def client(self, service: str) -> Any:
        session: Any = self._session
        return session.client(service, endpoint_url=self.server.endpoint_url, config=_CONFIG)

    def calls(self) -> Counter[str]:
        """Return the calls so far: see `calls.PATH`."""
        with urllib.request.urlopen(self.server.endpoint_url + PATH) as response:
            return Counter(json.loads(response.read()))

    def log(self) -> str:
        return self.server.log_file.read_text(errors="replace")


@contextmanager
def deployed(
    port: int,
    *,
    template: Path = PROJECT / "template.yaml",
    parameters: dict[str, str] | None = None,
    open_files: int | None = None,
    module: str = "benchmarks.load.counted_local_aws",
) -> Iterator[DeployedLocalAws]:
    """Start a local AWS, deploy the template with `parameters`, and stop it at the end.

    `open_files` is its limit of open files, which it cannot raise. `module` is the program that runs it.
    """

    def command(port: int, region: str, directory: Path) -> Sequence[str]:
        limit = f"ulimit -n {open_files} && " if open_files else ""
        shell = ["sh", "-c", f'cd "{PROJECT}" && {limit}exec "$0" "$@"']
        options = ["--port", str(port), "--region", region, "--directory", str(directory)]
        return [*shell, sys.executable, "-m", module, *options]

    owner = Owner(os.getpid(), "load")
    with Interruptions() as interruptions:
        server = server_process.start(
            port, region=DEFAULT_REGION, interruptions=interruptions, owner=owner, command=command
        )
    try:
        deployed = deploy(
            template,
            stack_name=STACK,
            session=_session(),
            endpoint_url=server.endpoint_url,
            parameters=parameters or {},
            report=lambda _text: None,
        )
        yield DeployedLocalAws(server, dict(deployed.outputs))
    finally:
        server_process.stop(server)


def _session() -> boto3.Session:
    return boto3.Session(ACCESS_KEY, "load", region_name=DEFAULT_REGION)

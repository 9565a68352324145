"""The local AWS: every service behind one port of the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from hypercorn.asyncio import serve
from hypercorn.config import Config as HypercornConfig

from stepline.errors import UsageError
from stepline.localaws.clock import SystemClock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.codepipeline import CodeCommitSource, CodePipeline, S3Source, ServiceClients, Settings
from stepline.localaws.emulators import ministack_app
from stepline.localaws.functions import FunctionRunner
from stepline.localaws.protocol import in_process_client
from stepline.localaws.stepfunctions import StepFunctions
from stepline.localaws.stepfunctions.definition import check_definition
from stepline.localaws.stepfunctions.execution import MachineType

HOST = "127.0.0.1"
ACCOUNT_ID = "000000000000"
HEALTH_PATH = "/_stepline/health"
_GIT_PATH = "/v1/repos/"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


_PIPELINE_SETTINGS = Settings(
    # AWS waits 60 and 120 seconds before it runs a failed function again; a developer would rather see it.
    retry_seconds=(2.0, 4.0),
    # AWS starts a new pipeline at once, which fails for want of a first commit.
    start_on_create=False,
)


def run(*, port: int, directory: Path, region: str) -> None:
    """Serve until SIGINT or SIGTERM, and leave no process and no file of ours below `directory`."""
    endpoint_url = f"http://{HOST}:{port}"
    emulator = ministack_app.load(port=port, directory=directory, region=region, account_id=ACCOUNT_ID)
    with contextlib.ExitStack() as stack:
        stack.callback(ministack_app.close)
        services = _start_services(stack, endpoint_url=endpoint_url, directory=directory, region=region)
        app = _front(emulator, services.git_app, health={"pid": os.getpid(), "port": port, "region": region})
        try:
            asyncio.run(_serve(app, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise UsageError(f"port {port} is in use: choose another with --port") from error


def _start_services(
    stack: contextlib.ExitStack, *, endpoint_url: str, directory: Path, region: str
) -> CodeCommit:
    """Build our services and hook them into the emulator; `stack` stops them again, last first."""
    # The emulator's modules may be imported only after ministack_app.load().
    from stepline.localaws.emulators import (  # noqa: PLC0415
        ministack_cloudformation,
        ministack_events,
        ministack_lambda,
        ministack_services,
    )

    # A clock runs a limited number of callbacks at once. CodePipeline's wait for functions: it has its own.
    clock, pipeline_clock = SystemClock(), SystemClock()
    stack.callback(clock.close)
    stack.callback(pipeline_clock.close)
    runner = FunctionRunner(directory / "functions")
    stack.callback(runner.close)
    ministack_lambda.run_functions_with(runner, endpoint_url=endpoint_url)

    client = _client_factory(endpoint_url, region)
    repositories = CodeCommit(
        directory / "repositories",
        clock=clock,
        events=ministack_events.publish,
        base_url=endpoint_url,
        account_id=ACCOUNT_ID,
        region=region,
    )
    stack.callback(repositories.close)
    workflows = StepFunctions(
        clock=clock,
        task_clients=client,
        events=ministack_events.publish,
        state_machines=ministack_services.StateMachineRecords(),
        account_id=ACCOUNT_ID,
        region=region,
    )
    stack.callback(workflows.close)
    pipelines = CodePipeline(
        clock=pipeline_clock,
        clients=ServiceClients(s3=client("s3"), sts=client("sts"), lambda_=client("lambda")),
        events=ministack_events.publish,
        sources={
            "CodeCommit": CodeCommitSource(
                in_process_client(repositories, region=region), repositories.archive, region=region
            ),
            "S3": S3Source(client("s3"), region=region),
        },
        settings=_PIPELINE_SETTINGS,
        account_id=ACCOUNT_ID,
        region=region,
    )
    stack.callback(pipelines.close)

    for service in (repositories, workflows, pipelines):
        ministack_services.add_service(service)
    ministack_cloudformation.add_repository_type(in_process_client(repositories, region=region))
    ministack_cloudformation.add_pipeline_type(in_process_client(pipelines, region=region))
    ministack_cloudformation.check_state_machines(
        lambda text, kind: check_definition(text, MachineType(kind))
    )
    ministack_events.deliver_to(
        "codepipeline", lambda arn, rule_arn, _event: pipelines.start_from_event(arn, rule_arn=rule_arn)
    )
    start_workflow = in_process_client(workflows, region=region).start_execution
    ministack_events.deliver_to(
        "states", lambda arn, _rule, event: start_workflow(stateMachineArn=arn, input=event)
    )
    return repositories


def _client_factory(endpoint_url: str, region: str) -> Callable[[str], Any]:
    credentials: Any = {"aws_access_key_id": ACCOUNT_ID, "aws_secret_access_key": "local"}
    session: Any = boto3.Session(region_name=region, **credentials)
    # A Lambda function may take 15 minutes, and an invocation must not be sent twice.
    config = Config(
        inject_host_prefix=False,
        max_pool_connections=64,
        read_timeout=910,
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
    )
    return lambda service: session.client(service, endpoint_url=endpoint_url, config=config)


def _front(emulator: App, git: App, *, health: dict[str, Any]) -> App:
    """git's requests go straight to git: they may be larger than memory. All others go to the emulator."""
    ready = json.dumps({"status": "ready", "version": version("stepline"), **health}).encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(_GIT_PATH):
            await git(scope, receive, send)
        elif scope["type"] == "http" and path == HEALTH_PATH:
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ready)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": ready})
        else:
            await emulator(scope, receive, send)

    return app


async def _serve(app: App, port: int) -> None:
    config = HypercornConfig()
    config.bind = [f"{HOST}:{port}"]
    config.loglevel = "ERROR"
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    async def stopped() -> None:
        await stop.wait()

    await serve(app, config, shutdown_trigger=stopped)  # type: ignore[arg-type]

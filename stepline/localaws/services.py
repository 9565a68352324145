"""The services of the local AWS that are stepline's own; `hooks` lets them meet the emulator's."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from botocore.config import Config

from stepline.localaws.batch import Batch, Fargate, ImageStore, ProcessContainers
from stepline.localaws.clock import SystemClock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.codepipeline import CodeCommitSource, CodePipeline, S3Source, ServiceClients, Settings
from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent, EventSink
from stepline.localaws.functions import FunctionRunner
from stepline.localaws.iam import Enforcement, Permission, current_actor
from stepline.localaws.service_roles import ArtifactS3Client, ServiceRoles, acting_client
from stepline.localaws.stepfunctions import StepFunctions

_PIPELINE_SETTINGS = Settings(
    # AWS waits 60 and 120 seconds before it runs a failed function again; a developer would rather see it.
    retry_seconds=(2.0, 4.0),
    # AWS starts a new pipeline at once, which fails for want of a first commit.
    start_on_create=False,
)


_CLIENT_CONFIG = Config(
    inject_host_prefix=False,
    max_pool_connections=64,
    # A Lambda function may take 15 minutes, and an invocation must not be sent twice.
    read_timeout=910,
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True)
class Place:
    """Where the local AWS is: all that its services must know of each other."""

    endpoint_url: str
    directory: Path
    account_id: str
    region: str


class Clients:
    """boto3 clients of this very server, which sign as whoever acts; made once, which takes long."""

    def __init__(self, place: Place, roles: ServiceRoles) -> None:
        self._place = place
        self._roles = roles

    @functools.cache  # noqa: B019 - there is one of these, which lives as long as the process
    def __call__(self, service: str) -> Any:
        return acting_client(
            service,
            roles=self._roles,
            endpoint_url=self._place.endpoint_url,
            account_id=self._place.account_id,
            region=self._place.region,
            config=_CLIENT_CONFIG,
        )


@dataclass(frozen=True)
class Services:
    enforcement: Enforcement
    functions: FunctionRunner
    codecommit: CodeCommit
    stepfunctions: StepFunctions
    codepipeline: CodePipeline
    batch: Batch


def start(place: Place, stack: contextlib.ExitStack) -> Services:
    """Start our services and hook them into the emulator, which must be loaded.

    `stack` stops them, last first.
    """
    # The emulator's modules may be imported only after it is loaded.
    from stepline.localaws import hooks  # noqa: PLC0415
    from stepline.localaws.emulators import ministack_events, ministack_iam  # noqa: PLC0415

    enforcement, roles = ministack_iam.start(account_id=place.account_id, region=place.region)
    clients = Clients(place, roles)
    publish: EventSink = ministack_events.publish
    functions = FunctionRunner(place.directory / "functions")
    stack.callback(functions.close)
    clock = _clock(stack)
    codecommit = _codecommit(place, clock, publish)
    stack.callback(codecommit.close)
    stepfunctions = _stepfunctions(place, publish, clock=clock, clients=clients, roles=roles)
    stack.callback(stepfunctions.close)
    # A clock runs a limited number of callbacks at once. CodePipeline's wait for functions: it has its own.
    codepipeline = _codepipeline(
        place, publish, codecommit, clock=_clock(stack), clients=clients, roles=roles
    )
    stack.callback(codepipeline.close)
    batch_context = Context(clock, _both(stepfunctions.hear, publish), place.account_id, place.region)
    batch = _batch(batch_context, place, clients=clients, roles=roles)
    stack.callback(batch.close)
    services = Services(enforcement, functions, codecommit, stepfunctions, codepipeline, batch)
    hooks.hook(services, place, clients, roles, stack)
    return services


def _both(first: EventSink, second: EventSink) -> EventSink:
    def tell(event: AwsEvent) -> None:
        first(event)
        second(event)

    return tell


def _clock(stack: contextlib.ExitStack) -> SystemClock:
    clock = SystemClock()
    stack.callback(clock.close)
    return clock


def _stepfunctions(
    place: Place, publish: EventSink, *, clock: SystemClock, clients: Clients, roles: ServiceRoles
) -> StepFunctions:
    from stepline.localaws.emulators import (  # noqa: PLC0415 - as in `start`
        ministack_cloudformation,
        ministack_properties,
    )

    return StepFunctions(
        clock=clock,
        task_clients=clients,
        trace=lambda machine: ministack_properties.trace(machine, roles),
        events=publish,
        state_machines=ministack_cloudformation.StateMachineRecords(),
        account_id=place.account_id,
        region=place.region,
    )


def _batch(context: Context, place: Place, *, clients: Clients, roles: ServiceRoles) -> Batch:
    directory = place.directory / "batch"
    fargate = Fargate(
        context,
        images=ImageStore(directory / "images", place.endpoint_url),
        roles=roles,
        clients=clients,
        endpoint_url=place.endpoint_url,
    )
    return Batch(context, containers=ProcessContainers(directory / "jobs", fargate))


def _codecommit(place: Place, clock: SystemClock, publish: EventSink) -> CodeCommit:
    context = Context(clock, publish, place.account_id, place.region)
    return CodeCommit(context, directory=place.directory / "repositories", base_url=place.endpoint_url)


def _codepipeline(
    place: Place,
    publish: EventSink,
    codecommit: CodeCommit,
    *,
    clock: SystemClock,
    clients: Clients,
    roles: ServiceRoles,
) -> CodePipeline:
    s3 = ArtifactS3Client(clients("s3"), roles)
    archive = _Archives(codecommit.archive, roles, place)
    return CodePipeline(
        Context(clock, publish, place.account_id, place.region),
        clients=ServiceClients(s3=s3, sts=clients("sts"), lambda_=clients("lambda")),
        sources={
            "CodeCommit": CodeCommitSource(
                clients("codecommit"), archive.upload, cancel=archive.cancel, region=place.region
            ),
            "S3": S3Source(s3, region=place.region),
        },
        settings=_PIPELINE_SETTINGS,
    )


class _Archives:
    """CodePipeline asks CodeCommit for an archive by operations that no API has, but IAM knows.

    https://docs.aws.amazon.com/codecommit/latest/userguide/auth-and-access-control-permissions-reference.html
    """

    def __init__(
        self, archive: Callable[[str, str, BinaryIO], None], roles: ServiceRoles, place: Place
    ) -> None:
        self._archive = archive
        self._roles = roles
        self._place = place

    def upload(self, repository: str, commit: str, target: BinaryIO) -> None:
        self._authorize(repository, "UploadArchive", "GetUploadArchiveStatus")
        self._archive(repository, commit, target)

    def cancel(self, repository: str) -> None:
        self._authorize(repository, "CancelUploadArchive")

    def _authorize(self, repository: str, *operations: str) -> None:
        arn = f"arn:aws:codecommit:{self._place.region}:{self._place.account_id}:{repository}"
        if actor := current_actor():
            self._roles.authorize(actor, (Permission(f"codecommit:{name}", arn) for name in operations))

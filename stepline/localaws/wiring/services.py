"""Builds the services of the local AWS."""

from __future__ import annotations

import functools
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import BinaryIO

from stepline.localaws.batch import Batch
from stepline.localaws.batch.containers import ProcessContainers
from stepline.localaws.batch.fargate import Fargate
from stepline.localaws.batch.image_store import ImageStore
from stepline.localaws.clock import SystemClock
from stepline.localaws.codebuild import CodeBuild, Environment, Sources
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.codepipeline import (
    CodeCommitSource,
    CodePipeline,
    EcrSource,
    S3Source,
    ServiceClients,
    Settings,
    connection_source,
    github_source,
)
from stepline.localaws.context import Context
from stepline.localaws.emulators.ministack import cloudwatch, eventbridge
from stepline.localaws.emulators.ministack.cloudformation import state_machines
from stepline.localaws.emulators.ministack.connections import Connections
from stepline.localaws.emulators.moto.interpreter import MotoInterpreter
from stepline.localaws.events import AwsEvent, EventSink
from stepline.localaws.functions import FunctionRunner
from stepline.localaws.iam import Permission, current_actor
from stepline.localaws.service_roles import ArtifactS3Client
from stepline.localaws.stepfunctions import StepFunctions
from stepline.localaws.wiring.builds import PipelineBuilds
from stepline.localaws.wiring.platform import Platform
from stepline.localaws.wiring.source_repositories import ConnectedGitRepositories

_PIPELINE_SETTINGS = Settings(
    # AWS waits 60 and 120 seconds before it runs a failed function again, which is long for a developer.
    retry_seconds=(2.0, 4.0),
    # AWS starts a new pipeline at once, which fails because its repository has no commit yet.
    start_on_create=False,
    # Stacks and builds of a local AWS end within seconds.
    poll_seconds=0.2,
    # AWS does not document after which time it offers a job again that no job worker has acknowledged.
    acknowledge_seconds=10.0,
)


@dataclass(frozen=True)
class Services:
    """The services that do not come from an emulator, and the functions of Lambda."""

    functions: FunctionRunner
    codebuild: CodeBuild
    codecommit: CodeCommit
    stepfunctions: StepFunctions
    codepipeline: CodePipeline
    batch: Batch


def build_services(platform: Platform, stack: ExitStack) -> Services:
    """Build every service; closing `stack` closes them, the last one first."""
    functions = stack.enter_context(closing(FunctionRunner(platform.settings.directory / "functions")))
    context = _context(platform, stack)
    codecommit = stack.enter_context(closing(_codecommit(context, platform)))
    stepfunctions = stack.enter_context(closing(_stepfunctions(context, platform)))
    codebuild = stack.enter_context(closing(_codebuild(_context(platform, stack), platform)))
    # A clock runs a limited number of callbacks at once, and CodePipeline's wait for functions.
    codepipeline_context = _context(platform, stack)
    codepipeline = stack.enter_context(
        closing(
            _codepipeline(codepipeline_context, platform, codecommit, PipelineBuilds(codebuild, platform))
        )
    )
    events = _to_all(stepfunctions.on_event, context.events)
    batch = stack.enter_context(closing(_batch(replace(context, events=events), platform)))
    return Services(functions, codebuild, codecommit, stepfunctions, codepipeline, batch)


def _context(platform: Platform, stack: ExitStack) -> Context:
    """Return a context with a clock of its own."""
    clock = stack.enter_context(closing(SystemClock()))
    events = _to_all(cloudwatch.record_executions, eventbridge.publish)
    return Context(clock, events, platform.settings.account_id, platform.settings.region)


def _to_all(*sinks: EventSink) -> EventSink:
    def send(event: AwsEvent) -> None:
        for sink in sinks:
            sink(event)

    return send


def _codecommit(context: Context, platform: Platform) -> CodeCommit:
    settings = platform.settings
    return CodeCommit(context, directory=settings.directory / "repositories", base_url=settings.endpoint_url)


def _stepfunctions(context: Context, platform: Platform) -> StepFunctions:
    connections = Connections(platform.roles, account_id=context.account_id, region=context.region)
    return StepFunctions(
        context,
        interpreter=MotoInterpreter(connections),
        task_clients=platform.client,
        trace=functools.partial(state_machines.trace, roles=platform.roles),
        authorize_log=functools.partial(state_machines.authorize_log, platform.roles),
        state_machines=state_machines.StateMachineRecords(),
    )


def _codepipeline(
    context: Context, platform: Platform, codecommit: CodeCommit, builds: PipelineBuilds
) -> CodePipeline:
    s3 = ArtifactS3Client(platform.client("s3"), platform.roles)
    archives = _Archives(codecommit, platform)
    codecommit_source = CodeCommitSource(
        platform.client("codecommit"), archives.upload, cancel=archives.cancel, region=context.region
    )
    repositories = ConnectedGitRepositories(
        codecommit, platform.roles, endpoint_url=platform.settings.endpoint_url
    )
    return CodePipeline(
        context,
        clients=ServiceClients(
            s3=s3,
            sts=platform.client("sts"),
            lambda_=platform.client("lambda"),
            on_dropped_event=cloudwatch.record_dropped_event,
            sns=platform.client("sns"),
            client=platform.client,
            builds=builds,
            can_assume=platform.roles.can_assume,
        ),
        sources={
            "CodeCommit": codecommit_source,
            "CodeStarSourceConnection": connection_source(repositories),
            "ECR": EcrSource(platform.client("ecr"), region=context.region),
            "GitHub": github_source(repositories),
            "S3": S3Source(s3, region=context.region),
        },
        settings=_PIPELINE_SETTINGS,
    )


def _codebuild(context: Context, platform: Platform) -> CodeBuild:
    settings = platform.settings
    sources = Sources(platform.client, platform.roles, region=settings.region, account_id=settings.account_id)
    environment = Environment(
        platform.client, sources, context.clock, endpoint_url=settings.endpoint_url, region=settings.region
    )
    return CodeBuild(context, environment, settings.directory / "builds")


def _batch(context: Context, platform: Platform) -> Batch:
    settings = platform.settings
    fargate = Fargate(
        context,
        images=ImageStore(settings.directory / "batch" / "images", settings.endpoint_url),
        roles=platform.roles,
        clients=platform.client,
        endpoint_url=settings.endpoint_url,
    )
    return Batch(context, containers=ProcessContainers(settings.directory / "batch" / "jobs", fargate))


class _Archives:
    """Checks the permissions for operations that IAM has and the API of CodeCommit does not.

    https://docs.aws.amazon.com/codecommit/latest/userguide/auth-and-access-control-permissions-reference.html
    """

    def __init__(self, codecommit: CodeCommit, platform: Platform) -> None:
        self._codecommit = codecommit
        self._roles = platform.roles
        self._prefix = f"arn:aws:codecommit:{platform.settings.region}:{platform.settings.account_id}"

    def upload(self, repository: str, commit: str, target: BinaryIO) -> None:
        """Write an archive of the commit to `target`. Raises botocore's ClientError without permission."""
        self._authorize(repository, "UploadArchive", "GetUploadArchiveStatus")
        self._codecommit.archive(repository, commit, target)

    def cancel(self, repository: str) -> None:
        """Raise botocore's ClientError without permission to cancel an upload; there is nothing to cancel."""
        self._authorize(repository, "CancelUploadArchive")

    def _authorize(self, repository: str, *operations: str) -> None:
        if actor := current_actor():
            resource = f"{self._prefix}:{repository}"
            self._roles.authorize(actor, (Permission(f"codecommit:{name}", resource) for name in operations))

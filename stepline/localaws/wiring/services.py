"""Builds the services of the local AWS."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass, replace

from stepline.localaws.batch import Batch
from stepline.localaws.batch.assembly import start_batch
from stepline.localaws.clock import SystemClock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.codepipeline import CodeCommitSource, CodePipeline, S3Source, ServiceClients, Settings
from stepline.localaws.context import Context
from stepline.localaws.emulators.ministack import eventbridge
from stepline.localaws.emulators.ministack.cloudformation import state_machines
from stepline.localaws.emulators.moto.interpreter import MotoInterpreter
from stepline.localaws.events import AwsEvent, EventSink
from stepline.localaws.functions import FunctionRunner
from stepline.localaws.service_roles import ArtifactStore
from stepline.localaws.stepfunctions import StepFunctions
from stepline.localaws.wiring.archives import RepositoryArchives
from stepline.localaws.wiring.platform import Platform

_PIPELINE_SETTINGS = Settings(
    # AWS waits 60 and 120 seconds before it runs a failed function again, which is long for a developer.
    retry_seconds=(2.0, 4.0),
    # AWS starts a new pipeline at once, which fails because its repository has no commit yet.
    start_on_create=False,
)


@dataclass(frozen=True)
class Services:
    """The services that do not come from an emulator, and the functions of Lambda."""

    functions: FunctionRunner
    codecommit: CodeCommit
    stepfunctions: StepFunctions
    codepipeline: CodePipeline
    batch: Batch


def build_services(platform: Platform, stack: contextlib.ExitStack) -> Services:
    """Build every service; closing `stack` closes them, the last one first."""
    functions = FunctionRunner(platform.settings.directory / "functions")
    stack.callback(functions.close)
    context = _context(platform, stack)
    codecommit = _codecommit(context, platform)
    stack.callback(codecommit.close)
    stepfunctions = _stepfunctions(context, platform)
    stack.callback(stepfunctions.close)
    # A clock runs a limited number of callbacks at once, and CodePipeline's wait for functions.
    codepipeline = _codepipeline(_context(platform, stack), platform, codecommit)
    stack.callback(codepipeline.close)
    events = _to_all(stepfunctions.on_event, context.events)
    batch = _batch(replace(context, events=events), platform, stack)
    return Services(functions, codecommit, stepfunctions, codepipeline, batch)


def _context(platform: Platform, stack: contextlib.ExitStack) -> Context:
    """Return a context with a clock of its own."""
    clock = SystemClock()
    stack.callback(clock.close)
    return Context(clock, eventbridge.publish, platform.settings.account_id, platform.settings.region)


def _to_all(*sinks: EventSink) -> EventSink:
    def send(event: AwsEvent) -> None:
        for sink in sinks:
            sink(event)

    return send


def _codecommit(context: Context, platform: Platform) -> CodeCommit:
    return CodeCommit(
        platform.settings.directory / "repositories",
        clock=context.clock,
        events=context.events,
        base_url=platform.settings.endpoint_url,
        account_id=context.account_id,
        region=context.region,
    )


def _stepfunctions(context: Context, platform: Platform) -> StepFunctions:
    return StepFunctions(
        context,
        interpreter=MotoInterpreter(),
        task_clients=platform.client,
        trace=functools.partial(state_machines.trace, roles=platform.roles),
        state_machines=state_machines.StateMachineRecords(),
    )


def _codepipeline(context: Context, platform: Platform, codecommit: CodeCommit) -> CodePipeline:
    s3 = ArtifactStore(platform.client("s3"), platform.roles)
    archives = RepositoryArchives(codecommit, platform)
    codecommit_source = CodeCommitSource(
        platform.client("codecommit"), archives.upload, cancel=archives.cancel, region=context.region
    )
    return CodePipeline(
        clock=context.clock,
        clients=ServiceClients(s3=s3, sts=platform.client("sts"), lambda_=platform.client("lambda")),
        events=context.events,
        sources={"CodeCommit": codecommit_source, "S3": S3Source(s3, region=context.region)},
        settings=_PIPELINE_SETTINGS,
        account_id=context.account_id,
        region=context.region,
    )


def _batch(context: Context, platform: Platform, stack: contextlib.ExitStack) -> Batch:
    return start_batch(
        stack,
        directory=platform.settings.directory / "batch",
        endpoint_url=platform.settings.endpoint_url,
        clock=context.clock,
        clients=platform.client,
        roles=platform.roles,
        events=context.events,
        account_id=context.account_id,
        region=context.region,
    )

"""The services of the local AWS that are stepline's own, and how they meet the emulator's."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from botocore.config import Config

from stepline.localaws.batch import Batch
from stepline.localaws.batch.assembly import start_batch
from stepline.localaws.clock import SystemClock
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.codepipeline import CodeCommitSource, CodePipeline, S3Source, ServiceClients, Settings
from stepline.localaws.events import AwsEvent, EventSink
from stepline.localaws.functions import FunctionRunner
from stepline.localaws.iam import Enforcement, Need, current_actor
from stepline.localaws.protocol import in_process_client
from stepline.localaws.service_roles import ArtifactStore, ServiceRoles, acting_client
from stepline.localaws.stepfunctions import StepFunctions
from stepline.localaws.stepfunctions.definition import check_definition
from stepline.localaws.stepfunctions.execution import MachineType

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
    from stepline.localaws.emulators import (  # noqa: PLC0415
        ministack_cloudformation,
        ministack_events,
        ministack_iam,
        ministack_properties,
    )

    enforcement, roles = ministack_iam.start(account_id=place.account_id, region=place.region)
    clients = Clients(place, roles)
    publish: EventSink = ministack_events.publish
    functions = FunctionRunner(place.directory / "functions")
    stack.callback(functions.close)
    clock = _clock(stack)
    codecommit = _codecommit(place, clock, publish)
    stack.callback(codecommit.close)
    stepfunctions = StepFunctions(
        clock=clock,
        task_clients=clients,
        trace=lambda machine: ministack_properties.trace(machine, roles),
        events=publish,
        state_machines=ministack_cloudformation.StateMachineRecords(),
        account_id=place.account_id,
        region=place.region,
    )
    stack.callback(stepfunctions.close)
    # A clock runs a limited number of callbacks at once. CodePipeline's wait for functions: it has its own.
    codepipeline = _codepipeline(
        place, publish, codecommit, clock=_clock(stack), clients=clients, roles=roles
    )
    stack.callback(codepipeline.close)
    batch = start_batch(
        stack,
        directory=place.directory / "batch",
        endpoint_url=place.endpoint_url,
        clock=clock,
        clients=clients,
        roles=roles,
        events=_both(stepfunctions.hear, publish),
        account_id=place.account_id,
        region=place.region,
    )
    services = Services(enforcement, functions, codecommit, stepfunctions, codepipeline, batch)
    _hook(services, place, roles)
    stack.callback(_tell_of_objects(clients, publish))
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


def _codecommit(place: Place, clock: SystemClock, publish: EventSink) -> CodeCommit:
    return CodeCommit(
        place.directory / "repositories",
        clock=clock,
        events=publish,
        base_url=place.endpoint_url,
        account_id=place.account_id,
        region=place.region,
    )


def _codepipeline(
    place: Place,
    publish: EventSink,
    codecommit: CodeCommit,
    *,
    clock: SystemClock,
    clients: Clients,
    roles: ServiceRoles,
) -> CodePipeline:
    s3 = ArtifactStore(clients("s3"), roles)
    archive = _Archives(codecommit.archive, roles, place)
    return CodePipeline(
        clock=clock,
        clients=ServiceClients(s3=s3, sts=clients("sts"), lambda_=clients("lambda")),
        events=publish,
        sources={
            "CodeCommit": CodeCommitSource(
                clients("codecommit"), archive.upload, cancel=archive.cancel, region=place.region
            ),
            "S3": S3Source(s3, region=place.region),
        },
        settings=_PIPELINE_SETTINGS,
        account_id=place.account_id,
        region=place.region,
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
            self._roles.authorize(actor, (Need(f"codecommit:{name}", arn) for name in operations))


def _tell_of_objects(clients: Clients, publish: EventSink) -> Callable[[], None]:
    """Let what is written to S3 start functions, by S3's own events or CloudTrail's; how to stop it."""
    from stepline.localaws.emulators import (  # noqa: PLC0415
        ministack_cloudtrail,
        ministack_s3_events,
        ministack_trails,
    )

    ministack_s3_events.tell_versions()
    ministack_s3_events.invoke_functions(clients)
    ministack_s3_events.keep_lost_events(clients)
    ministack_trails.check_buckets()
    ministack_trails.add_trail_type()
    return ministack_cloudtrail.record_data_events(publish)


def _hook(services: Services, place: Place, roles: ServiceRoles) -> None:
    """Make the emulator use our services, and serve them behind its port."""
    from stepline.localaws.emulators import (  # noqa: PLC0415
        ministack_apigateway,
        ministack_batch,
        ministack_cloudformation,
        ministack_ecr,
        ministack_events,
        ministack_lambda,
        ministack_macros,
        ministack_managed_rules,
        ministack_network,
        ministack_properties,
        ministack_services,
        ministack_stack_roles,
        moto_policies,
    )

    ministack_lambda.run_functions_with(services.functions, roles, endpoint_url=place.endpoint_url)
    for service in (services.codecommit, services.stepfunctions, services.codepipeline):
        ministack_services.add_service(service)
    ministack_ecr.delete_images_as_ecr()
    ministack_batch.serve(services.batch)
    ministack_batch.add_types(in_process_client(services.batch, region=place.region))
    ministack_cloudformation.add_repository_type(in_process_client(services.codecommit, region=place.region))
    ministack_cloudformation.add_pipeline_type(in_process_client(services.codepipeline, region=place.region))
    ministack_network.add_types()
    ministack_network.put_functions_into_vpcs()
    ministack_macros.add_macro_type()
    ministack_macros.run_macros(Clients(place, roles)("lambda"), services.enforcement, roles)
    moto_policies.know_managed_policies()
    ministack_stack_roles.remember_roles()
    ministack_stack_roles.act_under_roles(roles)
    ministack_apigateway.tell_api_keys()
    ministack_apigateway.keep_errors_inside()
    ministack_apigateway.ask_function_policies()
    ministack_apigateway.disable_api_keys()
    ministack_apigateway.check_logs_role(roles)
    ministack_cloudformation.check_state_machines(
        lambda text, kind: check_definition(text, MachineType(kind))
    )
    ministack_properties.encrypt_buckets()
    ministack_properties.remember_tracing()
    ministack_properties.deliver_logs(roles)
    ministack_managed_rules.check_managed_rules(roles)
    start_pipeline = services.codepipeline.start_from_event
    ministack_events.deliver_to(
        "codepipeline:StartPipelineExecution",
        lambda arn, rule, _event: start_pipeline(arn, rule_arn=rule),
        roles,
    )
    start_execution = in_process_client(services.stepfunctions, region=place.region).start_execution
    ministack_events.deliver_to(
        "states:StartExecution",
        lambda arn, _rule, event: start_execution(stateMachineArn=arn, input=event),
        roles,
    )

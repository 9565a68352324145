"""Connects the services of the local AWS with ministack."""

from __future__ import annotations

import contextlib

from stepline.localaws.emulators import (
    ministack_apigateway,
    ministack_batch,
    ministack_cloudformation,
    ministack_cloudtrail,
    ministack_ecr,
    ministack_events,
    ministack_lambda,
    ministack_macros,
    ministack_managed_rules,
    ministack_network,
    ministack_properties,
    ministack_s3_events,
    ministack_services,
    ministack_stack_roles,
    ministack_trails,
    moto_policies,
)
from stepline.localaws.emulators.moto_loader import MotoInterpreter
from stepline.localaws.protocol import in_process_client
from stepline.localaws.stepfunctions.definition import check_definition
from stepline.localaws.stepfunctions.models import MachineType
from stepline.localaws.wiring.platform import Platform
from stepline.localaws.wiring.services import Services


def connect(services: Services, platform: Platform, stack: contextlib.ExitStack) -> None:
    """Serve the services behind ministack's port and let ministack use them; closing `stack` ends this."""
    _serve(services, platform)
    _stacks(services, platform)
    _properties_of_stacks(platform)
    _rest_apis(platform)
    _events(services, platform)
    _written_objects(platform, stack)


def _serve(services: Services, platform: Platform) -> None:
    ministack_lambda.run_functions_with(
        services.functions, platform.roles, endpoint_url=platform.settings.endpoint_url
    )
    for service in (services.codecommit, services.stepfunctions, services.codepipeline):
        ministack_services.add_service(service)
    ministack_batch.serve(services.batch)
    ministack_ecr.delete_images_as_ecr()
    moto_policies.know_managed_policies()


def _stacks(services: Services, platform: Platform) -> None:
    """Resource types, macros, and the role that a stack acts under."""
    ministack_batch.add_types(in_process_client(services.batch, region=platform.settings.region))
    ministack_cloudformation.add_repository_type(
        in_process_client(services.codecommit, region=platform.settings.region)
    )
    ministack_cloudformation.add_pipeline_type(
        in_process_client(services.codepipeline, region=platform.settings.region)
    )
    ministack_cloudformation.check_state_machines(
        lambda text, kind: check_definition(text, MachineType(kind), MotoInterpreter())
    )
    ministack_network.add_types()
    ministack_macros.add_macro_type()
    ministack_macros.run_macros(platform.client("lambda"), platform.enforcement, platform.roles)
    ministack_trails.check_buckets()
    ministack_trails.add_trail_type()
    ministack_stack_roles.remember_roles()
    ministack_stack_roles.act_under_roles(platform.roles)


def _properties_of_stacks(platform: Platform) -> None:
    ministack_network.put_functions_into_vpcs()
    ministack_properties.encrypt_buckets()
    ministack_properties.remember_tracing()
    ministack_properties.deliver_logs(platform.roles)
    ministack_managed_rules.check_managed_rules(platform.roles)


def _rest_apis(platform: Platform) -> None:
    ministack_apigateway.tell_api_keys()
    ministack_apigateway.keep_errors_inside()
    ministack_apigateway.ask_function_policies()
    ministack_apigateway.disable_api_keys()
    ministack_apigateway.check_logs_role(platform.roles)


def _events(services: Services, platform: Platform) -> None:
    """What rules start."""
    start_pipeline = services.codepipeline.start_from_event
    ministack_events.deliver_to(
        "codepipeline:StartPipelineExecution",
        lambda arn, rule, _event: start_pipeline(arn, rule_arn=rule),
        platform.roles,
    )
    start_execution = in_process_client(
        services.stepfunctions, region=platform.settings.region
    ).start_execution
    ministack_events.deliver_to(
        "states:StartExecution",
        lambda arn, _rule, event: start_execution(stateMachineArn=arn, input=event),
        platform.roles,
    )


def _written_objects(platform: Platform, stack: contextlib.ExitStack) -> None:
    """What is written to S3 starts functions, by S3's own events or CloudTrail's."""
    ministack_s3_events.tell_versions()
    ministack_s3_events.invoke_functions(platform.client)
    ministack_s3_events.keep_lost_events(platform.client)
    stack.callback(ministack_cloudtrail.record_data_events(ministack_events.publish))

"""Where stepline's own services and the emulator's meet, by subject.

To be imported only after the emulator is loaded. What each hook mends is said where it is defined.
"""

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
from stepline.localaws.protocol import in_process_client
from stepline.localaws.service_roles import ServiceRoles
from stepline.localaws.services import Clients, Place, Services
from stepline.localaws.stepfunctions.definition import check_definition
from stepline.localaws.stepfunctions.execution import MachineType


def hook(
    services: Services, place: Place, clients: Clients, roles: ServiceRoles, stack: contextlib.ExitStack
) -> None:
    """Serve our services behind the emulator's port, and make it use them. `stack` ends what this begins."""
    _serve(services, place, roles)
    _stacks(services, place, clients, roles)
    _properties_of_stacks(roles)
    _rest_apis(roles)
    _events(services, place, roles)
    _written_objects(clients, stack)


def _serve(services: Services, place: Place, roles: ServiceRoles) -> None:
    ministack_lambda.run_functions_with(services.functions, roles, endpoint_url=place.endpoint_url)
    for service in (services.codecommit, services.stepfunctions, services.codepipeline):
        ministack_services.add_service(service)
    ministack_batch.serve(services.batch)
    ministack_ecr.delete_images_as_ecr()
    moto_policies.know_managed_policies()


def _stacks(services: Services, place: Place, clients: Clients, roles: ServiceRoles) -> None:
    """Resource types, macros, and the role that a stack acts under."""
    ministack_batch.add_types(in_process_client(services.batch, region=place.region))
    ministack_cloudformation.add_repository_type(in_process_client(services.codecommit, region=place.region))
    ministack_cloudformation.add_pipeline_type(in_process_client(services.codepipeline, region=place.region))
    ministack_cloudformation.check_state_machines(
        lambda text, kind: check_definition(text, MachineType(kind))
    )
    ministack_network.add_types()
    ministack_macros.add_macro_type()
    ministack_macros.run_macros(clients("lambda"), services.enforcement, roles)
    ministack_trails.check_buckets()
    ministack_trails.add_trail_type()
    ministack_stack_roles.remember_roles()
    ministack_stack_roles.act_under_roles(roles)


def _properties_of_stacks(roles: ServiceRoles) -> None:
    ministack_network.put_functions_into_vpcs()
    ministack_properties.encrypt_buckets()
    ministack_properties.remember_tracing()
    ministack_properties.deliver_logs(roles)
    ministack_managed_rules.check_managed_rules(roles)


def _rest_apis(roles: ServiceRoles) -> None:
    ministack_apigateway.tell_api_keys()
    ministack_apigateway.keep_errors_inside()
    ministack_apigateway.ask_function_policies()
    ministack_apigateway.disable_api_keys()
    ministack_apigateway.check_logs_role(roles)


def _events(services: Services, place: Place, roles: ServiceRoles) -> None:
    """What rules start."""
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


def _written_objects(clients: Clients, stack: contextlib.ExitStack) -> None:
    """What is written to S3 starts functions, by S3's own events or CloudTrail's."""
    ministack_s3_events.tell_versions()
    ministack_s3_events.invoke_functions(clients)
    ministack_s3_events.keep_lost_events(clients)
    stack.callback(ministack_cloudtrail.record_data_events(ministack_events.publish))

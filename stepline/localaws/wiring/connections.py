"""Connects the services of the local AWS with ministack."""

from __future__ import annotations

import contextlib
from typing import Any

from stepline.localaws.emulators.ministack import (
    apigateway,
    cloudtrail,
    cloudwatch,
    custom_resources,
    dead_letter_queues,
    ecr,
    eventbridge,
    functions,
    managed_policies,
    routing,
    s3_encryption,
    s3_events,
    schedules,
    ssm,
)
from stepline.localaws.emulators.ministack.cloudformation import (
    change_details,
    change_sets,
    deployments,
    macros,
    nested_change_sets,
    properties,
    property_checks,
    replacements,
    resource_handlers,
    stack_roles,
    state_machines,
    template_checks,
    templates,
    type_descriptions,
)
from stepline.localaws.emulators.ministack.cloudformation.types.apigatewayv2 import add_deployment_type
from stepline.localaws.emulators.ministack.cloudformation.types.batch import add_batch_types
from stepline.localaws.emulators.ministack.cloudformation.types.cloudtrail import add_trail_type
from stepline.localaws.emulators.ministack.cloudformation.types.codebuild import add_project_type
from stepline.localaws.emulators.ministack.cloudformation.types.codecommit import add_repository_type
from stepline.localaws.emulators.ministack.cloudformation.types.codepipeline import add_pipeline_type
from stepline.localaws.emulators.ministack.cloudformation.types.cognito_users import add_user_types
from stepline.localaws.emulators.ministack.cloudformation.types.connections import add_connection_type
from stepline.localaws.emulators.ministack.cloudformation.types.custom_action_types import (
    add_custom_action_type_type,
)
from stepline.localaws.emulators.ministack.cloudformation.types.ec2 import add_network_types
from stepline.localaws.emulators.ministack.cloudformation.types.ec2_access import add_access_types
from stepline.localaws.emulators.ministack.cloudformation.types.http_api import import_definitions
from stepline.localaws.emulators.ministack.cloudformation.types.nested_stacks import add_nested_stacks
from stepline.localaws.emulators.ministack.cloudformation.types.recorded import add_recorded_types
from stepline.localaws.emulators.ministack.cloudformation.types.role_policy import add_role_policy_type
from stepline.localaws.emulators.ministack.cloudformation.types.schedules import add_schedule_type
from stepline.localaws.emulators.ministack.cloudformation.types.state_machine_versions import (
    add_activity_type,
    add_alias_type,
    add_version_type,
)
from stepline.localaws.emulators.ministack.connections import hide_credentials_of_connections
from stepline.localaws.emulators.moto.interpreter import MotoInterpreter
from stepline.localaws.protocol import JsonService, in_process_client
from stepline.localaws.stepfunctions.definition import check_definition
from stepline.localaws.stepfunctions.models import MachineType
from stepline.localaws.wiring.platform import Platform
from stepline.localaws.wiring.push_starts import RulesAndPipelines
from stepline.localaws.wiring.services import Services
from stepline.localaws.wiring.source_repositories import detect_pushes, notify_of_changes


def connect(services: Services, platform: Platform, stack: contextlib.ExitStack) -> None:
    """Serve the services behind ministack's port and let ministack use them; closing `stack` ends this."""
    _route_requests(services, platform)
    _add_resource_types(services, platform)
    _mend_cloudformation(platform)
    _mend_rest_apis(platform)
    resource_handlers.guard_handlers()
    _connect_targets_of_rules(services, platform)
    _connect_events(services, platform, stack)
    _connect_alarms(stack)


def _route_requests(services: Services, platform: Platform) -> None:
    for service in (
        services.codebuild,
        services.codecommit,
        services.stepfunctions,
        services.codepipeline,
        services.batch,
    ):
        settings = platform.settings
        routing.add_service(service, account_id=settings.account_id, region=settings.region)
    routing.refuse_deep_documents()
    functions.run_functions_with(
        services.functions, platform.roles, endpoint_url=platform.settings.endpoint_url
    )
    custom_resources.fail_with_their_functions()
    ssm.add_public_parameters()
    s3_encryption.use_the_managed_key()
    ecr.delete_images_as_ecr()
    ecr.list_each_tag()
    ecr.send_push_events(eventbridge.publish)
    managed_policies.add_managed_policies()
    hide_credentials_of_connections()


def _add_resource_types(services: Services, platform: Platform) -> None:
    add_batch_types(_client(services.batch, platform))
    add_project_type(_client(services.codebuild, platform))
    add_repository_type(_client(services.codecommit, platform))
    add_pipeline_type(_client(services.codepipeline, platform))
    add_custom_action_type_type(
        _client(services.codepipeline, platform),
        account_id=platform.settings.account_id,
        region=platform.settings.region,
    )
    add_activity_type(_client(services.stepfunctions, platform))
    add_version_type(_client(services.stepfunctions, platform))
    add_alias_type(_client(services.stepfunctions, platform))
    add_connection_type()
    add_network_types()
    add_access_types()
    add_deployment_type()
    import_definitions()
    add_role_policy_type()
    add_user_types()
    add_trail_type()
    add_schedule_type()
    add_nested_stacks(lambda service: _client_of_request(service, platform))
    macros.add_macro_type()
    add_recorded_types()


def _mend_cloudformation(platform: Platform) -> None:
    templates.parse_templates_with_libyaml()
    templates.explain_sam_errors()
    templates.read_virtual_hosted_addresses()
    templates.parse_all_short_functions()
    templates.accept_patterns_of_java()
    macros.run_macros(platform.client("lambda"), platform.enforcement, platform.roles)
    type_descriptions.add_describe_type()
    change_sets.find_by_id_of_stack()
    change_details.describe_changes()
    nested_change_sets.add_nested_change_sets()
    replacements.replace_as_described()
    replacements.update_rest_apis_in_place()
    stack_roles.store_roles()
    stack_roles.check_roles(platform.roles)
    _check_templates()
    interpreter = MotoInterpreter()
    state_machines.check_definitions(
        lambda text, machine_type: check_definition(text, MachineType(machine_type), interpreter)
    )
    state_machines.set_tracing()
    state_machines.check_roles(platform.roles)
    properties.encrypt_buckets()
    properties.encrypt_topics()
    properties.set_expiry_and_recovery_of_tables()
    properties.set_vpcs_of_functions()
    dead_letter_queues.set_queues_of_functions()


def _check_templates() -> None:
    deployments.store_deployed_templates()
    deployments.begin_deletions_at_once()
    template_checks.evaluate_all_functions_of_conditions()
    template_checks.check_templates()
    template_checks.require_capabilities()
    property_checks.validate_before_deployment()
    property_checks.fail_resources_with_invalid_properties()


def _mend_rest_apis(platform: Platform) -> None:
    apigateway.add_api_key_to_event()
    apigateway.hide_function_errors()
    apigateway.check_function_policies()
    apigateway.disable_api_keys()
    apigateway.check_logs_role(platform.roles)


def _connect_targets_of_rules(services: Services, platform: Platform) -> None:
    start_pipeline = services.codepipeline.start_from_event
    eventbridge.deliver_to(
        "codepipeline:StartPipelineExecution",
        lambda arn, rule, event: start_pipeline(arn, rule_arn=rule, event=event),
        platform.roles,
    )
    start_execution = _client(services.stepfunctions, platform).start_execution
    eventbridge.deliver_to(
        "states:StartExecution",
        lambda arn, _rule, event: start_execution(stateMachineArn=arn, input=event),
        platform.roles,
    )
    start_build = services.codebuild.start_from_event
    eventbridge.deliver_to(
        "codebuild:StartBuild",
        lambda arn, rule, event: start_build(arn, rule_arn=rule, event=event),
        platform.roles,
    )
    eventbridge.invoke_functions_as_lambda(platform.client)
    schedules.fire_within_a_second()
    schedules.fire_schedules_as_scheduler(platform.roles)
    schedules.check_schedules(platform.roles)
    services.codecommit.show_pipelines_of_pushes(
        RulesAndPipelines(_client(services.codepipeline, platform), services.codepipeline)
    )


def _connect_events(services: Services, platform: Platform, stack: contextlib.ExitStack) -> None:
    """Let S3 and CloudTrail send events about written objects; keep those that cannot be delivered."""
    eventbridge.add_versions_to_s3_events()
    detect_pushes(services.codecommit, services.codepipeline)
    notify_of_changes(services.codecommit, platform)
    s3_events.report_written_objects(services.codepipeline.object_written)
    cloudtrail.check_buckets_of_trails()
    stack.callback(cloudtrail.record_data_events(eventbridge.publish))
    dead_letter_queues.send_events_of_failed_functions(platform.client)


def _connect_alarms(stack: contextlib.ExitStack) -> None:
    cloudwatch.check_topic_policies()
    stack.callback(cloudwatch.evaluate_alarms())


def _client_of_request(service: str, platform: Platform) -> Any:
    """Return a client for the account and region of the current request."""
    account_id, region = routing.current_scope()
    return platform.client(service, region, account_id)


def _client(service: JsonService, platform: Platform) -> Any:
    return in_process_client(service, region=platform.settings.region)

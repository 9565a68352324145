"""Patches AWS::StepFunctions::StateMachine: ministack accepts any definition, and checks no permission."""

from __future__ import annotations

import contextlib
import json
from collections import UserDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import responses
from ministack.services import cloudwatch_logs, stepfunctions
from ministack.services.cloudformation import provisioners

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    after_change,
    api_names,
    before_change,
)
from stepline.localaws.iam import Actor, Permission
from stepline.localaws.iam.required_permissions import execution_tracing_permissions, log_delivery_permissions
from stepline.localaws.protocol import AwsError
from stepline.localaws.service_roles import ServiceRoles
from stepline.localaws.stepfunctions import errors
from stepline.localaws.stepfunctions.execution_logs import NO_LOG_GROUP
from stepline.localaws.stepfunctions.models import Machine
from stepline.localaws.stepfunctions.validation import check_logging, log_group_name

_TYPE = "AWS::StepFunctions::StateMachine"
_MANAGED_RULES = {
    "states:::batch:submitJob.sync": "StepFunctionsGetEventsForBatchJobsRule",
    "states:::states:startExecution.sync": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
}
"""Integration -> rule [Step Functions guide, "IAM policies for integrated services"]."""
_NO_LOG = "The state machine IAM Role is not authorized to access the Log Destination"
_RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")


class StateMachineRecords(UserDict[str, dict[str, Any]]):
    """The state machines of ministack's CloudFormation: ARN -> record, with the API's names of members.

    Executions run on moto's interpreter; definitions stay where CloudFormation writes them.
    """

    def __init__(self) -> None:
        self.data = stepfunctions._state_machines

    def __getitem__(self, arn: str) -> dict[str, Any]:
        """Return a copy of the record."""
        record = self.data[arn]
        return record | {"loggingConfiguration": api_names(record.get("loggingConfiguration", {}))}

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.data))  # which other threads may change


def check_definitions(check: Callable[[str, str], None]) -> None:
    """Check definitions with `check`, given text and `STANDARD` or `EXPRESS`; ministack deploys any text.

    An `AwsError` from `check` fails the stack, as on AWS.
    """
    original = provisioners._sfn_definition

    def definition(properties: Properties) -> str:
        text = str(original(properties))
        try:
            check(text, properties.get("StateMachineType", "STANDARD"))
        except AwsError as error:
            raise ValueError(f"{_TYPE}: {error.message}") from error
        return text

    provisioners._sfn_definition = definition


def set_tracing() -> None:
    """Give a machine the tracing configuration of its template, which ministack drops."""

    def apply(arn: str, properties: Properties) -> None:
        enabled = bool(properties.get("TracingConfiguration", {}).get("Enabled"))
        stepfunctions._state_machines[arn]["tracingConfiguration"] = {"enabled": enabled}

    after_change(_TYPE, apply)


def check_roles(roles: ServiceRoles) -> None:
    """Check that a machine's role may deliver its log and create the rules that its tasks wait for.

    Step Functions does so when a machine is created or updated, and checks that the log group exists;
    ministack checks nothing.
    """

    def check(operation: str, properties: Properties) -> None:
        if operation == "Delete":
            with contextlib.suppress(ValueError):  # the machine is deleted without this permission, too
                _check_log_delivery(roles, operation, properties)
            return
        _check_managed_rules(roles, properties)
        _check_log_delivery(roles, operation, properties)
        _check_log_group(properties)

    before_change(_TYPE, check)


def _check_managed_rules(roles: ServiceRoles, properties: Properties) -> None:
    resources = list(_own_resources(json.loads(str(provisioners._sfn_definition(properties)))))
    prefix = f"arn:aws:events:{responses.get_region()}:{responses.get_account_id()}:rule"
    for integration, rule in _MANAGED_RULES.items():
        if any(integration in resource for resource in resources):
            needs = [Permission(action, f"{prefix}/{rule}") for action in _RULE_ACTIONS]
            message = f"'{properties['RoleArn']}' is not authorized to create managed-rule"
            _authorize(roles, properties, needs, message)


def _own_resources(part: Any) -> Iterator[str]:
    """Yield the resources of tasks. Those with `Credentials` are polled, and need no rule.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-cross-acct-sync-pattern.html
    """
    if isinstance(part, list):
        for item in part:
            yield from _own_resources(item)
    elif isinstance(part, dict):
        if part.get("Type") == "Task" and "Credentials" not in part:
            yield str(part.get("Resource", ""))
        for item in part.values():
            yield from _own_resources(item)


def _check_log_delivery(roles: ServiceRoles, operation: str, properties: Properties) -> None:
    if properties.get("LoggingConfiguration", {}).get("Level", "OFF") != "OFF":
        _authorize(roles, properties, log_delivery_permissions(operation), _NO_LOG)


def _check_log_group(properties: Properties) -> None:
    configuration = api_names(properties.get("LoggingConfiguration", {}))
    try:
        check_logging(configuration)
        if log_group_name(configuration) not in {None, *cloudwatch_logs._log_groups}:
            raise errors.InvalidLoggingConfiguration(NO_LOG_GROUP)
    except AwsError as error:
        raise ValueError(error.message) from error


def authorize_log(roles: ServiceRoles, role_arn: str, operation: str) -> None:
    """Raise AccessDeniedException unless a role may deliver a log. `operation`: Create or Update."""
    try:
        roles.authorize(_actor(role_arn), log_delivery_permissions(operation))
    except ClientError as error:
        raise errors.AccessDeniedException(f"{_NO_LOG}: {error.response['Error']['Message']}") from error


def _authorize(
    roles: ServiceRoles, properties: Properties, needs: Iterable[Permission], message: str
) -> None:
    try:
        roles.authorize(_actor(properties["RoleArn"]), needs)
    except ClientError as error:
        raise ValueError(f"{message}: {error.response['Error']['Message']}") from error


def trace(machine: Machine, roles: ServiceRoles) -> None:
    """Check what Step Functions does with the role of a traced machine when an execution starts."""
    if machine.tracing_configuration.get("enabled"):
        roles.allows(_actor(machine.role_arn), execution_tracing_permissions())


def _actor(role_arn: str) -> Actor:
    return Actor("states.amazonaws.com", role_arn, "stepline")

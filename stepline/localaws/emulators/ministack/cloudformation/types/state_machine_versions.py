"""Adds versions and aliases of state machines, and activities, to ministack's CloudFormation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    api_names,
)

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_VERSION = "AWS::StepFunctions::StateMachineVersion"
_ACTIVITY = "AWS::StepFunctions::Activity"
_ALIAS = "AWS::StepFunctions::StateMachineAlias"


def add_version_type(stepfunctions: SFNClient) -> None:
    """Add the type of versions, all of whose changes are replacements.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachineversion.html
    """

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        given = {"revisionId": "StateMachineRevisionId", "description": "Description"}
        optional: Any = {
            member: properties[name] for member, name in given.items() if properties.get(name) is not None
        }
        arn = stepfunctions.publish_state_machine_version(
            stateMachineArn=properties["StateMachineArn"], **optional
        )["stateMachineVersionArn"]
        return arn, {"Arn": arn}

    def update(physical_id: str, _old: Properties, _new: Properties, _stack_name: str) -> Resource:
        return physical_id, {"Arn": physical_id}

    def delete(physical_id: str, _properties: Properties) -> None:
        stepfunctions.delete_state_machine_version(stateMachineVersionArn=physical_id)

    add_type(_VERSION, create, update, delete)


def add_activity_type(stepfunctions: SFNClient) -> None:
    """Add the type of activities.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-activity.html
    """

    def resource(arn: str) -> Resource:
        return arn, {"Arn": arn, "Name": arn.rpartition(":")[2]}

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        return resource(stepfunctions.create_activity(name=properties["Name"])["activityArn"])

    def update(physical_id: str, _old: Properties, _new: Properties, _stack_name: str) -> Resource:
        return resource(physical_id)

    def delete(physical_id: str, _properties: Properties) -> None:
        stepfunctions.delete_activity(activityArn=physical_id)

    add_type(_ACTIVITY, create, update, delete)


def add_alias_type(stepfunctions: SFNClient) -> None:
    """Add the type of aliases. A `DeploymentPreference` shifts all executions at once, also a gradual one.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachinealias.html
    """

    def create(logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        optional: Any = {"description": properties["Description"]} if "Description" in properties else {}
        arn = stepfunctions.create_state_machine_alias(
            name=properties.get("Name", logical_id), routingConfiguration=_routes(properties), **optional
        )["stateMachineAliasArn"]
        return arn, {"Arn": arn}

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        stepfunctions.update_state_machine_alias(
            stateMachineAliasArn=physical_id,
            description=new.get("Description", ""),
            routingConfiguration=_routes(new),
        )
        return physical_id, {"Arn": physical_id}

    def delete(physical_id: str, _properties: Properties) -> None:
        stepfunctions.delete_state_machine_alias(stateMachineAliasArn=physical_id)

    add_type(_ALIAS, create, update, delete)


def _routes(properties: Properties) -> Sequence[Any]:
    preference = properties.get("DeploymentPreference")
    if preference is not None:
        return [{"stateMachineVersionArn": preference["StateMachineVersionArn"], "weight": 100}]
    return [
        route | {"weight": int(route["weight"])} for route in api_names(properties["RoutingConfiguration"])
    ]

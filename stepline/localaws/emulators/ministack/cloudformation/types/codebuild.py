"""Replaces AWS::CodeBuild::Project of ministack's CloudFormation."""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import provisioners

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    listed_tags,
    request_parameters,
)

_TYPE = "AWS::CodeBuild::Project"


def add_project_type(codebuild: Any) -> None:
    """Add the type; webhooks (`Triggers`) and public builds (`Visibility`) are accepted and not made.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codebuild-project.html
    """

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id)
        codebuild.create_project(**_request("CreateProject", properties), name=name)
        return resource(name)

    def update(name: str, old: Properties, new: Properties, _stack_name: str) -> Resource:
        before, after = _request("UpdateProject", old), _request("UpdateProject", new)
        removed = {key: type(value)() for key, value in before.items() if isinstance(value, str | list)}
        codebuild.update_project(**{**removed, **after, "name": name})
        return resource(name)

    def delete(name: str, _properties: Properties) -> None:
        codebuild.delete_project(name=name)

    def resource(name: str) -> Resource:
        (project,) = codebuild.batch_get_projects(names=[name])["projects"]
        return name, {"Arn": project["arn"]}

    add_type(_TYPE, create, update, delete)


def _request(operation: str, properties: Properties) -> dict[str, Any]:
    tags = [{"Key": key, "Value": value} for key, value in listed_tags(properties).items()]
    request = request_parameters("codebuild", operation, {**properties, "Tags": tags})
    request.pop("name", None)
    return request

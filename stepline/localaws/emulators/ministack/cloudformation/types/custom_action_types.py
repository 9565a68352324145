"""Adds AWS::CodePipeline::CustomActionType to ministack's CloudFormation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    listed_tags,
    request_parameters,
)

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

_TYPE = "AWS::CodePipeline::CustomActionType"
_IDENTIFIERS = ("Category", "Provider", "Version")
_SEPARATOR = "|"


def add_custom_action_type_type(codepipeline: CodePipelineClient, *, account_id: str, region: str) -> None:
    """Add the type. Only its tags can be updated; `Ref` returns `Category|Provider|Version`, its identifier.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codepipeline-customactiontype.html
    """

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        identifier = _SEPARATOR.join(str(properties[name]) for name in _IDENTIFIERS)
        if identifier in existing():
            raise ValueError(f"Resource of type '{_TYPE}' with identifier '{identifier}' already exists.")
        codepipeline.create_custom_action_type(
            **_request(properties), tags=_api_tags(listed_tags(properties))
        )
        return identifier, {}

    def update(identifier: str, old: Properties, new: Properties, _stack_name: str) -> Resource:
        before, after = listed_tags(old), listed_tags(new)
        name = "/".join(("Custom", *identifier.split(_SEPARATOR)))
        arn = f"arn:aws:codepipeline:{region}:{account_id}:actiontype:{name}"
        if removed := sorted(before.keys() - after.keys()):
            codepipeline.untag_resource(resourceArn=arn, tagKeys=removed)
        if after:
            codepipeline.tag_resource(resourceArn=arn, tags=_api_tags(after))
        return identifier, {}

    def delete(identifier: str, _properties: Properties) -> None:
        if identifier in existing():
            category, provider, version = identifier.split(_SEPARATOR)
            codepipeline.delete_custom_action_type(
                category=category,  # type: ignore[arg-type]
                provider=provider,
                version=version,
            )

    def existing() -> set[str]:
        pages = codepipeline.get_paginator("list_action_types").paginate(actionOwnerFilter="Custom")
        ids = (item["id"] for page in pages for item in page["actionTypes"])
        return {_SEPARATOR.join((item["category"], item["provider"], item["version"])) for item in ids}

    add_type(_TYPE, create, update, delete)


def _request(properties: Properties) -> Any:
    given = {name: value for name, value in properties.items() if name not in {"Id", "Tags"}}
    return request_parameters("codepipeline", "CreateCustomActionType", given)


def _api_tags(tags: Mapping[str, str]) -> Any:
    return [{"key": key, "value": value} for key, value in tags.items()]

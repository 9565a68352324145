"""Adds AWS::CodePipeline::Pipeline to ministack's CloudFormation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services.cloudformation import provisioners

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    api_names,
    listed_tags,
    refuse_properties,
)

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

_TYPE = "AWS::CodePipeline::Pipeline"
_NOT_IN_DECLARATION = {"Tags", "RestartExecutionOnUpdate", "DisableInboundStageTransitions", "Name"}


def add_pipeline_type(codepipeline: CodePipelineClient) -> None:
    """Add the type with one artifact store.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codepipeline-pipeline.html
    """

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id)
        response = codepipeline.create_pipeline(
            pipeline=_declaration(name, properties),
            tags=[{"key": key, "value": value} for key, value in listed_tags(properties).items()],
        )
        return name, {"Version": str(response["pipeline"].get("version", 1))}

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        response = codepipeline.update_pipeline(pipeline=_declaration(physical_id, new))
        return physical_id, {"Version": str(response["pipeline"].get("version", 1))}

    def delete(physical_id: str, _properties: Properties) -> None:
        codepipeline.delete_pipeline(name=physical_id)

    add_type(_TYPE, create, update, delete)


def _declaration(name: str, properties: Properties) -> Any:
    """Return the template's properties as the pipeline structure of the API."""
    refuse_properties(_TYPE, properties, {"ArtifactStores", "DisableInboundStageTransitions"})
    declared = {key: value for key, value in properties.items() if key not in _NOT_IN_DECLARATION}
    return {"name": name, **api_names(declared)}

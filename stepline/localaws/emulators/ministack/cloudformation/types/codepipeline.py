"""Adds AWS::CodePipeline::Pipeline to ministack's CloudFormation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ministack.services.cloudformation import provisioners

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
    api_names,
    listed_tags,
)

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

_TYPE = "AWS::CodePipeline::Pipeline"
_NOT_IN_DECLARATION = {
    "ArtifactStores",
    "DisableInboundStageTransitions",
    "Name",
    "RestartExecutionOnUpdate",
    "Tags",
}


def add_pipeline_type(codepipeline: CodePipelineClient) -> None:
    """Add the type.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codepipeline-pipeline.html
    """

    def create(logical_id: str, properties: Properties, stack_name: str) -> Resource:
        name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id)
        response = codepipeline.create_pipeline(
            pipeline=_declaration(name, properties), tags=_api_tags(listed_tags(properties))
        )
        for stage_name, reason in _disabled_transitions(properties).items():
            _disable_transition(codepipeline, name, stage_name, reason)
        return name, {"Version": str(response["pipeline"].get("version", 1))}

    def update(name: str, old: Properties, new: Properties, _stack_name: str) -> Resource:
        version = _update_declaration(codepipeline, name, old, new)
        _update_tags(codepipeline, name, listed_tags(old), listed_tags(new))
        _update_transitions(codepipeline, name, _disabled_transitions(old), _disabled_transitions(new))
        if new.get("RestartExecutionOnUpdate") in {True, "true"}:
            codepipeline.start_pipeline_execution(name=name)
        return name, {"Version": version}

    def delete(physical_id: str, _properties: Properties) -> None:
        codepipeline.delete_pipeline(name=physical_id)

    add_type(_TYPE, create, update, delete)


def _update_declaration(codepipeline: CodePipelineClient, name: str, old: Properties, new: Properties) -> str:
    """Update the structure if it has changed, because an update ends executions. Return the version."""
    declaration = _declaration(name, new)
    if declaration == _declaration(name, old):
        return str(codepipeline.get_pipeline(name=name)["pipeline"].get("version", 1))
    return str(codepipeline.update_pipeline(pipeline=declaration)["pipeline"].get("version", 1))


def _update_tags(
    codepipeline: CodePipelineClient, name: str, old: Mapping[str, str], new: Mapping[str, str]
) -> None:
    arn = codepipeline.get_pipeline(name=name)["metadata"]["pipelineArn"]
    if removed := sorted(old.keys() - new.keys()):
        codepipeline.untag_resource(resourceArn=arn, tagKeys=removed)
    if new:
        codepipeline.tag_resource(resourceArn=arn, tags=_api_tags(new))


def _update_transitions(
    codepipeline: CodePipelineClient, name: str, old: Mapping[str, str], new: Mapping[str, str]
) -> None:
    for stage_name in old.keys() - new.keys():
        codepipeline.enable_stage_transition(
            pipelineName=name, stageName=stage_name, transitionType="Inbound"
        )
    for stage_name, reason in new.items():
        if old.get(stage_name) != reason:
            _disable_transition(codepipeline, name, stage_name, reason)


def _disable_transition(codepipeline: CodePipelineClient, name: str, stage_name: str, reason: str) -> None:
    codepipeline.disable_stage_transition(
        pipelineName=name, stageName=stage_name, transitionType="Inbound", reason=reason
    )


def _disabled_transitions(properties: Properties) -> dict[str, str]:
    """Return the reason by the name of the stage."""
    listed = properties.get("DisableInboundStageTransitions", [])
    return {item["StageName"]: item["Reason"] for item in listed}


def _api_tags(tags: Mapping[str, str]) -> Any:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _declaration(name: str, properties: Properties) -> Any:
    """Return the template's properties as the pipeline structure of the API."""
    declared = {key: value for key, value in properties.items() if key not in _NOT_IN_DECLARATION}
    stores = {
        item["Region"]: api_names(item["ArtifactStore"]) for item in properties.get("ArtifactStores", [])
    }
    return {"name": name, **api_names(declared), **({"artifactStores": stores} if stores else {})}

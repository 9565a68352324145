"""Reads CodePipeline into frozen dataclasses: definitions, states and executions of pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stepline.aws.stacks import DEFAULT_STACK, describe_stack, stack_outputs
from stepline.aws.statuses import Status
from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError
from stepline.core.suggestions import did_you_mean

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_codepipeline import CodePipelineClient

    from stepline.aws.target import Target

Document = Mapping[str, Any]  # a part of a boto3 response

_DENIED = "AccessDenied"
_LATEST_EXECUTIONS = 5

PARALLEL = "PARALLEL"
"""The execution mode in which the state of a pipeline does not have all executions [model]."""


@dataclass(frozen=True)
class ActionDefinition:
    name: str
    category: str
    provider: str
    configuration: Mapping[str, str]
    output_artifacts: tuple[str, ...] = ()


@dataclass(frozen=True)
class StageDefinition:
    name: str
    actions: tuple[ActionDefinition, ...]


@dataclass(frozen=True)
class PipelineDefinition:
    """`arn` is None if GetPipeline returns no metadata."""

    name: str
    arn: str | None
    execution_mode: str
    stages: tuple[StageDefinition, ...]

    @property
    def actions(self) -> tuple[ActionDefinition, ...]:
        return tuple(action for stage in self.stages for action in stage.actions)


@dataclass(frozen=True)
class ActionError:
    code: str
    message: str


@dataclass(frozen=True)
class ActionState:
    """The latest execution of an action, of any execution of the pipeline."""

    name: str
    status: Status
    summary: str | None = None
    percent_complete: int | None = None
    last_status_change: datetime | None = None
    external_execution_id: str | None = None
    external_execution_url: str | None = None
    revision_id: str | None = None
    error: ActionError | None = None
    approval_token: str | None = field(default=None, repr=False)
    action_execution_id: str | None = None


@dataclass(frozen=True)
class StageState:
    """`execution_id` is the latest pipeline execution in the stage; those in `inbound` wait to enter it."""

    name: str
    status: Status
    execution_id: str | None
    transition_enabled: bool
    transition_disabled_reason: str | None
    actions: tuple[ActionState, ...]
    inbound: tuple[str, ...] = ()


@dataclass(frozen=True)
class PipelineState:
    """`version` is that of the pipeline's definition."""

    version: int | None
    stages: tuple[StageState, ...]


@dataclass(frozen=True)
class SourceRevision:
    """`action_name` is the name of the artifact if GetPipelineExecution returned the revision."""

    action_name: str
    revision_id: str
    summary: str | None


@dataclass(frozen=True)
class Trigger:
    type: str
    detail: str | None


@dataclass(frozen=True)
class ExecutionSummary:
    id: str
    status: Status
    status_summary: str | None = None
    start_time: datetime | None = None
    last_update_time: datetime | None = None
    trigger: Trigger | None = None
    source_revisions: tuple[SourceRevision, ...] = field(default=())
    pipeline_version: int | None = None


def list_pipeline_names(codepipeline: CodePipelineClient) -> list[str]:
    pages = codepipeline.get_paginator("list_pipelines").paginate()
    return sorted(each["name"] for page in pages for each in page["pipelines"])


def find_pipeline(target: Target, name: str | None) -> PipelineDefinition:
    """Return the pipeline `name`; without a name the only pipeline, or else that of the stack `stepline`.

    A name requires only codepipeline:GetPipeline. Raises UsageError, listing the pipelines if they may be
    listed.
    """
    codepipeline: CodePipelineClient = target.client("codepipeline")
    try:
        return read_definition(codepipeline, name or _default_pipeline(target))
    except ClientError as error:
        if error_code(error) != "PipelineNotFoundException":
            raise
        names = _listed_names(codepipeline)
        known = f"; the pipelines are: {', '.join(names)}" if names else ""
        similar = did_you_mean(name or "", names or ())
        raise UsageError(f"pipeline {name!r} does not exist{similar}{known}") from error


def _default_pipeline(target: Target) -> str:
    names = _listed_names(target.client("codepipeline"))
    if names == []:
        raise UsageError(
            "no pipeline exists: deploy template.yaml first (locally: `stepline up`), after `stepline init`"
            " if the project is your own"
        )
    if names is not None and len(names) == 1:
        return names[0]
    if own := _pipeline_of_stack(target.client("cloudformation")):
        return own
    if names is None:
        raise UsageError("you may not list the pipelines (codepipeline:ListPipelines): name the pipeline")
    raise UsageError(f"several pipelines exist, name one of them: {', '.join(names)}")


def _listed_names(codepipeline: CodePipelineClient) -> list[str] | None:
    """Return the names of all pipelines, or None if they may not be listed."""
    try:
        return list_pipeline_names(codepipeline)
    except ClientError as error:
        if error_code(error).startswith(_DENIED):
            return None
        raise


def _pipeline_of_stack(cloudformation: CloudFormationClient) -> str | None:
    """Return the output PipelineName of the stack `stepline`, if it exists and may be read."""
    try:
        return stack_outputs(describe_stack(cloudformation, DEFAULT_STACK)).get("PipelineName")
    except UsageError:
        return None
    except ClientError as error:
        if error_code(error).startswith(_DENIED):
            return None
        raise


def read_definition(
    codepipeline: CodePipelineClient, name: str, version: int | None = None
) -> PipelineDefinition:
    """Return the current definition, or that of an earlier version."""
    response = codepipeline.get_pipeline(name=name, **({} if version is None else {"version": version}))
    pipeline = response["pipeline"]
    return PipelineDefinition(
        name=pipeline["name"],
        arn=response.get("metadata", {}).get("pipelineArn"),
        execution_mode=pipeline.get("executionMode", "SUPERSEDED"),  # AWS's default
        stages=tuple(_stage_definition(stage) for stage in pipeline["stages"]),
    )


def read_stage_states(codepipeline: CodePipelineClient, name: str) -> tuple[StageState, ...]:
    return read_pipeline_state(codepipeline, name).stages


def read_pipeline_state(codepipeline: CodePipelineClient, name: str) -> PipelineState:
    response = codepipeline.get_pipeline_state(name=name)
    stages = tuple(_stage_state(stage) for stage in response["stageStates"])
    return PipelineState(response.get("pipelineVersion"), stages)


def list_latest_executions(codepipeline: CodePipelineClient, name: str) -> tuple[ExecutionSummary, ...]:
    """Return the newest five executions, newest first."""
    response = codepipeline.list_pipeline_executions(pipelineName=name, maxResults=_LATEST_EXECUTIONS)
    return tuple(parse_execution_summary(each) for each in response["pipelineExecutionSummaries"])


def read_execution(codepipeline: CodePipelineClient, name: str, execution_id: str) -> ExecutionSummary:
    """Return one execution, without times: GetPipelineExecution has none."""
    response = codepipeline.get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution_id)
    execution = response["pipelineExecution"]
    return ExecutionSummary(
        id=execution["pipelineExecutionId"],
        status=Status.parse(execution.get("status")),
        status_summary=execution.get("statusSummary"),
        trigger=_trigger(execution.get("trigger")),
        source_revisions=tuple(
            SourceRevision(each.get("name", ""), each.get("revisionId", ""), each.get("revisionSummary"))
            for each in execution.get("artifactRevisions", [])
        ),
        pipeline_version=execution.get("pipelineVersion"),
    )


def _stage_definition(stage: Document) -> StageDefinition:
    actions = [
        ActionDefinition(
            name=action["name"],
            category=action["actionTypeId"]["category"],
            provider=action["actionTypeId"]["provider"],
            configuration=action.get("configuration", {}),
            output_artifacts=tuple(each["name"] for each in action.get("outputArtifacts", [])),
        )
        # In the order in which they run; sorted() keeps the template's order within a runOrder.
        for action in sorted(stage["actions"], key=lambda action: action.get("runOrder", 1))
    ]
    return StageDefinition(stage["name"], tuple(actions))


def _stage_state(stage: Document) -> StageState:
    latest = stage.get("latestExecution", {})
    transition = stage.get("inboundTransitionState", {})
    return StageState(
        name=stage["stageName"],
        status=Status.parse(latest.get("status")),
        execution_id=latest.get("pipelineExecutionId"),
        transition_enabled=transition.get("enabled", True),
        transition_disabled_reason=transition.get("disabledReason"),
        actions=tuple(_action_state(action) for action in stage.get("actionStates", [])),
        inbound=tuple(each["pipelineExecutionId"] for each in stage.get("inboundExecutions", [])),
    )


def _action_state(action: Document) -> ActionState:
    latest = action.get("latestExecution", {})
    return ActionState(
        name=action["actionName"],
        status=Status.parse(latest.get("status")),
        summary=latest.get("summary"),
        percent_complete=latest.get("percentComplete"),
        last_status_change=latest.get("lastStatusChange"),
        external_execution_id=latest.get("externalExecutionId"),
        external_execution_url=latest.get("externalExecutionUrl"),
        revision_id=action.get("currentRevision", {}).get("revisionId"),
        error=parse_action_error(latest.get("errorDetails")),
        approval_token=latest.get("token"),
        action_execution_id=latest.get("actionExecutionId"),
    )


def parse_action_error(details: Document | None) -> ActionError | None:
    """Parse `errorDetails` of an action; both members are optional in the model."""
    if not details:
        return None
    return ActionError(details.get("code", ""), details.get("message", ""))


def parse_execution_summary(summary: Document) -> ExecutionSummary:
    """Parse PipelineExecutionSummary [model]."""
    return ExecutionSummary(
        id=summary["pipelineExecutionId"],
        status=Status.parse(summary.get("status")),
        status_summary=summary.get("statusSummary"),
        start_time=summary.get("startTime"),
        last_update_time=summary.get("lastUpdateTime"),
        trigger=_trigger(summary.get("trigger")),
        source_revisions=tuple(
            SourceRevision(each["actionName"], each.get("revisionId", ""), each.get("revisionSummary"))
            for each in summary.get("sourceRevisions", [])
        ),
    )


def _trigger(trigger: Document | None) -> Trigger | None:
    if not trigger:
        return None
    return Trigger(trigger.get("triggerType", ""), trigger.get("triggerDetail"))

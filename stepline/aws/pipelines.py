"""CodePipeline's answers as frozen dataclasses: definitions, states, and executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stepline.aws.statuses import Status
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

Document = Mapping[str, Any]  # a part of a boto3 answer

_LATEST_EXECUTIONS = 5


@dataclass(frozen=True)
class ActionDefinition:
    name: str
    category: str
    provider: str
    configuration: Mapping[str, str]


@dataclass(frozen=True)
class StageDefinition:
    name: str
    actions: tuple[ActionDefinition, ...]


@dataclass(frozen=True)
class PipelineDefinition:
    """`arn` is None where the service leaves the metadata out."""

    name: str
    arn: str | None
    execution_mode: str
    stages: tuple[StageDefinition, ...]


@dataclass(frozen=True)
class ActionError:
    code: str
    message: str


@dataclass(frozen=True)
class ActionState:
    """The latest execution of an action, whichever pipeline execution it belonged to."""

    name: str
    status: Status
    summary: str | None = None
    percent_complete: int | None = None
    last_status_change: datetime | None = None
    external_execution_id: str | None = None
    external_execution_url: str | None = None
    revision_id: str | None = None
    error: ActionError | None = None


@dataclass(frozen=True)
class StageState:
    """`execution_id`: the pipeline execution that was last in the stage; `waiting`: those at its entrance."""

    name: str
    status: Status
    execution_id: str | None
    transition_enabled: bool
    transition_disabled_reason: str | None
    actions: tuple[ActionState, ...]
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceRevision:
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

    def is_of_revision(self, revision_id: str) -> bool:
        return any(each.revision_id == revision_id for each in self.source_revisions)


def pipeline_names(codepipeline: CodePipelineClient) -> list[str]:
    pages = codepipeline.get_paginator("list_pipelines").paginate()
    return sorted(each["name"] for page in pages for each in page["pipelines"])


def choose_pipeline(codepipeline: CodePipelineClient, name: str | None) -> PipelineDefinition:
    """The pipeline `name`, or the only one. Raises UsageError, naming those there are, if that is unclear."""
    names = pipeline_names(codepipeline)
    if not names:
        raise UsageError("there is no pipeline: deploy template.yaml first (`stepline up` does so locally)")
    if name is None and len(names) > 1:
        raise UsageError(f"there are several pipelines, name one of them: {', '.join(names)}")
    if name is not None and name not in names:
        raise UsageError(f"there is no pipeline {name!r}; there are: {', '.join(names)}")
    return pipeline_definition(codepipeline, name or names[0])


def pipeline_definition(codepipeline: CodePipelineClient, name: str) -> PipelineDefinition:
    answer = codepipeline.get_pipeline(name=name)
    pipeline = answer["pipeline"]
    return PipelineDefinition(
        name=pipeline["name"],
        arn=answer.get("metadata", {}).get("pipelineArn"),
        execution_mode=pipeline.get("executionMode", "SUPERSEDED"),  # AWS's default
        stages=tuple(_stage_definition(stage) for stage in pipeline["stages"]),
    )


def stage_states(codepipeline: CodePipelineClient, name: str) -> tuple[StageState, ...]:
    answer = codepipeline.get_pipeline_state(name=name)
    return tuple(_stage_state(stage) for stage in answer["stageStates"])


def latest_executions(
    codepipeline: CodePipelineClient, name: str, *, limit: int = _LATEST_EXECUTIONS
) -> tuple[ExecutionSummary, ...]:
    """The newest executions, the newest first; `limit` is 100 at most."""
    answer = codepipeline.list_pipeline_executions(pipelineName=name, maxResults=limit)
    return tuple(_execution_summary(each) for each in answer["pipelineExecutionSummaries"])


def pipeline_execution(codepipeline: CodePipelineClient, name: str, execution_id: str) -> ExecutionSummary:
    """One execution; GetPipelineExecution tells no times."""
    answer = codepipeline.get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution_id)
    execution = answer["pipelineExecution"]
    revisions = execution.get("artifactRevisions", [])
    return ExecutionSummary(
        id=execution["pipelineExecutionId"],
        status=Status.of(execution.get("status")),
        status_summary=execution.get("statusSummary"),
        trigger=_trigger(execution.get("trigger")),
        source_revisions=tuple(
            SourceRevision(each.get("name", ""), each.get("revisionId", ""), each.get("revisionSummary"))
            for each in revisions
        ),
    )


def _stage_definition(stage: Document) -> StageDefinition:
    actions = [
        ActionDefinition(
            name=action["name"],
            category=action["actionTypeId"]["category"],
            provider=action["actionTypeId"]["provider"],
            configuration=action.get("configuration", {}),
        )
        # in the order in which they run; the order within a runOrder is the template's
        for action in sorted(stage["actions"], key=lambda action: action.get("runOrder", 1))
    ]
    return StageDefinition(stage["name"], tuple(actions))


def _stage_state(stage: Document) -> StageState:
    latest = stage.get("latestExecution", {})
    transition = stage.get("inboundTransitionState", {})
    return StageState(
        name=stage["stageName"],
        status=Status.of(latest.get("status")),
        execution_id=latest.get("pipelineExecutionId"),
        transition_enabled=transition.get("enabled", True),
        transition_disabled_reason=transition.get("disabledReason"),
        actions=tuple(_action_state(action) for action in stage.get("actionStates", [])),
        waiting=tuple(each["pipelineExecutionId"] for each in stage.get("inboundExecutions", [])),
    )


def _action_state(action: Document) -> ActionState:
    latest = action.get("latestExecution", {})
    return ActionState(
        name=action["actionName"],
        status=Status.of(latest.get("status")),
        summary=latest.get("summary"),
        percent_complete=latest.get("percentComplete"),
        last_status_change=latest.get("lastStatusChange"),
        external_execution_id=latest.get("externalExecutionId"),
        external_execution_url=latest.get("externalExecutionUrl"),
        revision_id=action.get("currentRevision", {}).get("revisionId"),
        error=action_error(latest.get("errorDetails")),
    )


def action_error(details: Document | None) -> ActionError | None:
    """`errorDetails` of an action; both members are optional in the model."""
    if not details:
        return None
    return ActionError(details.get("code", ""), details.get("message", ""))


def _execution_summary(summary: Document) -> ExecutionSummary:
    return ExecutionSummary(
        id=summary["pipelineExecutionId"],
        status=Status.of(summary.get("status")),
        status_summary=summary.get("statusSummary"),
        start_time=summary.get("startTime"),
        last_update_time=summary.get("lastUpdateTime"),
        trigger=_trigger(summary.get("trigger")),
        source_revisions=_revisions(summary.get("sourceRevisions", [])),
    )


def _revisions(revisions: Sequence[Document]) -> tuple[SourceRevision, ...]:
    return tuple(
        SourceRevision(each["actionName"], each.get("revisionId", ""), each.get("revisionSummary"))
        for each in revisions
    )


def _trigger(trigger: Document | None) -> Trigger | None:
    if not trigger:
        return None
    return Trigger(trigger.get("triggerType", ""), trigger.get("triggerDetail"))

"""Reads the state of pipelines for `stepline status`, and builds the document of `stepline status --json`.

Other tools rely on the shape of the document: members may be added, but never changed.

    {
      "endpoint": "http://127.0.0.1:4566",     null for AWS itself
      "region": "us-east-1",
      "localAws": {"port", "pid", "directory", "startedAt", "detached",
                   "console"},                   null if not started by stepline; "console" is an address
      "approvals": [{                           executions of state machines that wait for an approval
        "id", "stackName", "pipeline", "stage", "action", "executionId", "executionArn", "revision",
        "requester", "notByRequester", "requestedAt", "expiresAt",
        "resources": [{"path", "type", "effect", "causes"}], "omittedResources",
        "wave": {"finished": {"name", "targets", "omittedTargets"}, "next": the same} or null
      }],                                       "stackName" is that of a change, "wave" that of a rollout
      "pipelines": [{
        "name", "arn", "executionMode",
        "stages": [{
          "name", "status", "executionId", "transitionEnabled",
          "actions": [{
            "name", "provider", "status", "summary", "percentComplete", "lastStatusChange",
            "externalExecutionId", "externalExecutionUrl", "revisionId",
            "error": {"code", "message"} or null
          }]
        }],
        "latestExecutions": [{
          "id", "status", "statusSummary", "startTime", "lastUpdateTime",
          "trigger": {"type", "detail"} or null,
          "sourceRevisions": [{"actionName", "revisionId", "summary"}]
        }]                                      the newest first, five at most
      }]
    }

Every member is always present; null means that AWS returns nothing. Statuses are CodePipeline's own
(`InProgress`, `Succeeded` …), and `NotStarted` for what was never started. Times are ISO 8601 in UTC
with milliseconds. Stages and actions are in the order of the pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepline.aws.local_servers import console_url
from stepline.aws.pipelines import (
    ActionDefinition,
    ActionState,
    ExecutionSummary,
    PipelineDefinition,
    StageDefinition,
    StageState,
    list_latest_executions,
    list_pipeline_names,
    read_definition,
    read_stage_states,
)
from stepline.aws.statuses import Status
from stepline.aws.times import iso_time
from stepline.aws.workflow_approvals import ChangeApproval, WaveApproval, WorkflowApproval

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

    from stepline.aws.local_servers import LocalAws
    from stepline.aws.target import Target


@dataclass(frozen=True)
class PipelineStatus:
    """A pipeline, the states of its stages and its latest executions."""

    definition: PipelineDefinition
    stages: tuple[StageState, ...]
    executions: tuple[ExecutionSummary, ...]

    def stage_state(self, stage: StageDefinition) -> StageState:
        found = next((state for state in self.stages if state.name == stage.name), None)
        return found or StageState(stage.name, Status.NOT_STARTED, None, True, None, ())


def action_state(state: StageState, action: ActionDefinition) -> ActionState:
    found = next((each for each in state.actions if each.name == action.name), None)
    return found or ActionState(action.name, Status.NOT_STARTED)


def read_pipeline_statuses(codepipeline: CodePipelineClient, name: str | None) -> list[PipelineStatus]:
    """Return the statuses of all pipelines, or of the pipeline `name`."""
    names = [name] if name else list_pipeline_names(codepipeline)
    return [
        PipelineStatus(
            read_definition(codepipeline, each),
            read_stage_states(codepipeline, each),
            list_latest_executions(codepipeline, each),
        )
        for each in names
    ]


def status_document(
    target: Target, statuses: list[PipelineStatus], approvals: Sequence[WorkflowApproval] = ()
) -> dict[str, Any]:
    return {
        "endpoint": target.endpoint_url,
        "region": target.region,
        "localAws": _local_aws(target.local_aws),
        "approvals": [_approval(each) for each in approvals],
        "pipelines": [_pipeline(status) for status in statuses],
    }


def _local_aws(local_aws: LocalAws | None) -> dict[str, Any] | None:
    if local_aws is None:
        return None
    return {
        "port": local_aws.port,
        "pid": local_aws.pid,
        "directory": str(local_aws.directory),
        "startedAt": local_aws.started_at,
        "detached": local_aws.owner is None,
        "console": console_url(local_aws),
    }


def _approval(approval: WorkflowApproval) -> dict[str, Any]:
    change = approval if isinstance(approval, ChangeApproval) else None
    wave = approval if isinstance(approval, WaveApproval) else None
    return {
        "id": approval.id,
        "stackName": change.stack_name if change else None,
        "pipeline": approval.pipeline or None,
        "stage": approval.stage or None,
        "action": approval.action or None,
        "executionId": approval.execution_id or None,
        "executionArn": approval.execution_arn,
        "revision": approval.revision or None,
        "requester": approval.requester or None,
        "notByRequester": approval.not_by_requester,
        "requestedAt": iso_time(approval.requested_at),
        "expiresAt": iso_time(approval.expires_at),
        "resources": [
            {"path": each.path, "type": each.type, "effect": each.effect, "causes": list(each.causes)}
            for each in (change.resources if change else ())
        ],
        "omittedResources": change.omitted if change else 0,
        "wave": _wave(wave) if wave else None,
    }


def _wave(approval: WaveApproval) -> dict[str, Any]:
    return {
        "finished": {
            "name": approval.finished_wave,
            "targets": list(approval.finished),
            "omittedTargets": approval.omitted_finished,
        },
        "next": {
            "name": approval.wave,
            "targets": list(approval.following),
            "omittedTargets": approval.omitted_following,
        },
    }


def _pipeline(status: PipelineStatus) -> dict[str, Any]:
    definition = status.definition
    return {
        "name": definition.name,
        "arn": definition.arn,
        "executionMode": definition.execution_mode,
        "stages": [_stage(stage, status.stage_state(stage)) for stage in definition.stages],
        "latestExecutions": [_execution(each) for each in status.executions],
    }


def _stage(stage: StageDefinition, state: StageState) -> dict[str, Any]:
    return {
        "name": stage.name,
        "status": state.status.value,
        "executionId": state.execution_id,
        "transitionEnabled": state.transition_enabled,
        "actions": [_action(action, action_state(state, action)) for action in stage.actions],
    }


def _action(action: ActionDefinition, state: ActionState) -> dict[str, Any]:
    error = {"code": state.error.code, "message": state.error.message} if state.error else None
    return {
        "name": action.name,
        "provider": action.provider,
        "status": state.status.value,
        "summary": state.summary,
        "percentComplete": state.percent_complete,
        "lastStatusChange": iso_time(state.last_status_change),
        "externalExecutionId": state.external_execution_id,
        "externalExecutionUrl": state.external_execution_url,
        "revisionId": state.revision_id,
        "error": error,
    }


def _execution(execution: ExecutionSummary) -> dict[str, Any]:
    trigger = execution.trigger
    return {
        "id": execution.id,
        "status": execution.status.value,
        "statusSummary": execution.status_summary,
        "startTime": iso_time(execution.start_time),
        "lastUpdateTime": iso_time(execution.last_update_time),
        "trigger": {"type": trigger.type, "detail": trigger.detail} if trigger else None,
        "sourceRevisions": [
            {"actionName": each.action_name, "revisionId": each.revision_id, "summary": each.summary}
            for each in execution.source_revisions
        ],
    }

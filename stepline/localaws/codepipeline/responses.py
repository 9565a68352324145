"""Models in the shapes of the API's responses. A member that is None is left out."""

from __future__ import annotations

from typing import Any

from stepline.localaws.codepipeline.action_type_registry import ActionTypes
from stepline.localaws.codepipeline.artifacts import artifact_document
from stepline.localaws.codepipeline.declarations import ActionDeclaration, ExecutionMode, StageDeclaration
from stepline.localaws.codepipeline.models import (
    ActionExecution,
    Artifact,
    Credentials,
    Job,
    Pipeline,
    PipelineExecution,
    PipelineStatus,
    StageState,
    Trigger,
)
from stepline.localaws.codepipeline.results import ErrorDetails

Document = dict[str, Any]

_EXECUTION_TYPE = "STANDARD"


def pipeline_summary(pipeline: Pipeline) -> Document:
    declaration = pipeline.declaration
    return {
        "name": declaration.name,
        "version": declaration.version,
        "pipelineType": declaration.type,
        "executionMode": declaration.mode.value,
        "created": pipeline.created,
        "updated": pipeline.updated,
    }


def pipeline_state(pipeline: Pipeline, region: str, types: ActionTypes) -> Document:
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.declaration.version,
        "stageStates": [
            _stage_state(pipeline, stage, region, types) for stage in pipeline.declaration.stages
        ],
        "created": pipeline.created,
        "updated": pipeline.updated,
    }


def _stage_state(pipeline: Pipeline, stage: StageDeclaration, region: str, types: ActionTypes) -> Document:
    state = pipeline.stage_state(stage.name)
    inbound = [_stage_execution(execution, "InProgress") for execution in state.inbound]
    latest = state.latest
    document: Document = {
        "stageName": stage.name,
        "inboundExecution": inbound[-1] if inbound else None,
        "inboundExecutions": inbound,
        "inboundTransitionState": _transition_state(state),
        "actionStates": [_action_state(pipeline, stage, action, region, types) for action in stage.actions],
    }
    if latest is not None and state.latest_execution is not None:
        document["latestExecution"] = _stage_execution(state.latest_execution, latest.status.value)
        if latest.retries:
            document["retryStageMetadata"] = {
                "manualStageRetryAttempt": latest.retries,
                "latestRetryTrigger": "ManualStageRetry",
            }
    return document


def _stage_execution(execution: PipelineExecution, status: str) -> Document:
    return {"pipelineExecutionId": execution.id, "status": status, "type": _EXECUTION_TYPE}


def _transition_state(state: StageState) -> Document:
    return {
        "enabled": state.enabled,
        "lastChangedBy": state.changed_by,
        "lastChangedAt": state.changed_at,
        "disabledReason": state.disabled_reason,
    }


def _action_state(
    pipeline: Pipeline,
    stage: StageDeclaration,
    declaration: ActionDeclaration,
    region: str,
    types: ActionTypes,
) -> Document:
    definition = types.definition(declaration.type)
    document: Document = {
        "actionName": declaration.name,
        "entityUrl": definition.entity_url(declaration.configuration, region),
        "revisionUrl": definition.revision_url(declaration.configuration, region),
    }
    action = pipeline.latest_actions.get((stage.name, declaration.name))
    if action is not None:
        document["latestExecution"] = _latest_execution(action)
        document["currentRevision"] = _current_revision(action)
        if action.source_revision is not None and action.source_revision.url is not None:
            document["revisionUrl"] = action.source_revision.url
    return document


def _latest_execution(action: ActionExecution) -> Document:
    return {
        "actionExecutionId": action.id,
        "status": action.status.value,
        "summary": action.summary,
        "lastStatusChange": action.updated_at,
        "token": action.approval_token if action.in_progress else None,
        "lastUpdatedBy": action.updated_by if action.approval_token and not action.in_progress else None,
        "externalExecutionId": action.external_id,
        "externalExecutionUrl": action.external_url,
        "percentComplete": action.percent_complete,
        "errorDetails": _error(action.error),
        "logStreamARN": action.log_stream_arn,
    }


def _current_revision(action: ActionExecution) -> Document | None:
    if revision := action.current_revision:
        return {
            "revisionId": revision.id,
            "revisionChangeId": revision.change_id,
            "created": revision.created,
        }
    if source := action.source_revision:
        return {
            "revisionId": source.id,
            "revisionChangeId": source.id[:100],  # RevisionChangeIdentifier in the model
            "created": source.created or action.updated_at,
        }
    return None


def pipeline_execution(execution: PipelineExecution) -> Document:
    return {
        "pipelineName": execution.declaration.name,
        "pipelineVersion": execution.declaration.version,
        "pipelineExecutionId": execution.id,
        "status": execution.status.value,
        "statusSummary": execution.status_summary,
        "artifactRevisions": [
            _artifact_revision(action, artifact)
            for action in execution.source_actions()
            for artifact in action.outputs
        ],
        "variables": [{"name": name, "resolvedValue": value} for name, value in execution.variables.items()],
        "trigger": _trigger(execution.trigger),
        "executionMode": execution.declaration.mode.value,
        "executionType": _EXECUTION_TYPE,
    }


def _artifact_revision(action: ActionExecution, artifact: Artifact) -> Document:
    revision = action.source_revision
    if revision is None:
        return {"name": artifact.name}
    return {
        "name": artifact.name,
        "revisionId": revision.id,
        "revisionSummary": revision.summary,
        "created": revision.created,
        "revisionUrl": revision.url,
    }


def execution_summary(execution: PipelineExecution) -> Document:
    stopped = execution.status in {PipelineStatus.STOPPED, PipelineStatus.STOPPING}
    return {
        "pipelineExecutionId": execution.id,
        "status": execution.status.value,
        "statusSummary": execution.status_summary,
        "startTime": execution.started_at,
        "lastUpdateTime": execution.updated_at,
        "sourceRevisions": [_source_revision(action) for action in execution.source_actions()],
        "trigger": _trigger(execution.trigger),
        "stopTrigger": {"reason": execution.stop.reason} if stopped and execution.stop else None,
        "executionMode": execution.declaration.mode.value,
        "executionType": _EXECUTION_TYPE,
    }


def _source_revision(action: ActionExecution) -> Document:
    revision = action.source_revision
    return {
        "actionName": action.declaration.name,
        "revisionId": revision and revision.id,
        "revisionSummary": revision and revision.summary,
        "revisionUrl": revision and revision.url,
    }


def _trigger(trigger: Trigger) -> Document:
    return {"triggerType": trigger.type.value, "triggerDetail": trigger.detail}


def action_execution(action: ActionExecution, region: str, types: ActionTypes) -> Document:
    declaration = action.declaration
    action_type = declaration.type
    return {
        "pipelineExecutionId": action.execution.id,
        "actionExecutionId": action.id,
        "pipelineVersion": action.execution.declaration.version,
        "stageName": action.stage.name,
        "actionName": declaration.name,
        "startTime": action.started_at,
        "lastUpdateTime": action.updated_at,
        "updatedBy": action.updated_by,
        "status": action.status.value,
        "input": {
            "actionTypeId": action_type.document(),
            "configuration": types.masked(action_type, declaration.configuration),
            "resolvedConfiguration": types.masked(action_type, action.resolved_configuration),
            "roleArn": declaration.role_arn,
            "region": declaration.region or region,
            "inputArtifacts": [_artifact(artifact) for artifact in action.inputs],
            "namespace": declaration.namespace,
        },
        "output": {
            "outputArtifacts": [_artifact(artifact) for artifact in action.outputs],
            "executionResult": {
                "externalExecutionId": action.external_id or _parallel_approval_token(action),
                "externalExecutionSummary": action.error.message if action.error else action.summary,
                "externalExecutionUrl": action.external_url,
                "errorDetails": _error(action.error),
                "logStreamARN": action.log_stream_arn,
            },
            "outputVariables": dict(action.output_variables),
        },
    }


def _parallel_approval_token(action: ActionExecution) -> str | None:
    """Return the token of an approval that waits in mode PARALLEL: it is here [model: PutApprovalResult]."""
    is_parallel = action.execution.declaration.mode is ExecutionMode.PARALLEL
    return action.approval_token if is_parallel and action.in_progress else None


def _artifact(artifact: Artifact) -> Document:
    return {"name": artifact.name, "s3location": {"bucket": artifact.bucket, "key": artifact.key}}


def _error(error: ErrorDetails | None) -> Document | None:
    return {"code": error.code.value, "message": error.message} if error else None


def job(item: Job, region: str, account_id: str, credentials: Credentials | None) -> Document:
    """Return the job with its pipeline context, which the event of a function lacks."""
    action = item.action
    key = action.execution.declaration.store(action.declaration.region or region).encryption_key_id
    return {
        "id": item.id,
        "accountId": account_id,
        "data": {
            "actionTypeId": action.declaration.type.document(),
            "actionConfiguration": {"configuration": dict(action.resolved_configuration)},
            "pipelineContext": {
                "pipelineName": action.execution.declaration.name,
                "pipelineArn": action.execution.pipeline.arn,
                "pipelineExecutionId": action.execution.id,
                "stage": {"name": action.stage.name},
                "action": {"name": action.declaration.name, "actionExecutionId": action.id},
            },
            "inputArtifacts": [artifact_document(artifact) for artifact in action.inputs],
            "outputArtifacts": [artifact_document(artifact) for artifact in action.outputs],
            "artifactCredentials": _credentials(credentials),
            "continuationToken": item.continuation_token,
            "encryptionKey": {"id": key, "type": "KMS"} if key is not None else None,
        },
    }


def _credentials(credentials: Credentials | None) -> Document | None:
    if credentials is None:
        return None
    return {
        "accessKeyId": credentials.access_key_id,
        "secretAccessKey": credentials.secret_access_key,
        "sessionToken": credentials.session_token,
    }

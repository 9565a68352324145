"""The events that CodePipeline puts on the event bus.

https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html: numbers
are floating point, an action's event has no job id, and that of an abandoned action has no result.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from stepline.localaws.codepipeline.models import (
    ActionExecution,
    Artifact,
    PipelineExecution,
    StageExecution,
)
from stepline.localaws.events import AwsEvent

SOURCE = "aws.codepipeline"
PIPELINE_CHANGE = "CodePipeline Pipeline Execution State Change"
STAGE_CHANGE = "CodePipeline Stage Execution State Change"
ACTION_CHANGE = "CodePipeline Action Execution State Change"


def pipeline_event(execution: PipelineExecution, state: str, now: datetime) -> AwsEvent:
    """`state`: STARTED, RESUMED, SUCCEEDED, FAILED, STOPPING, STOPPED, SUPERSEDED or CANCELED."""
    detail = _common(execution, state)
    if state == "STARTED":
        detail["execution-trigger"] = {
            "trigger-type": execution.trigger.type.value,
            "trigger-detail": execution.trigger.detail,
        }
    if execution.stop is not None and execution.stop.reason:
        detail["stop-execution-comments"] = execution.stop.reason
    if execution.retried_at is not None:
        detail["last-retry-attempt-time"] = _time(execution.retried_at)
    return _event(execution, PIPELINE_CHANGE, detail, now)


def stage_event(execution: PipelineExecution, stage: StageExecution, state: str, now: datetime) -> AwsEvent:
    """`state`: STARTED, RESUMED, SUCCEEDED, FAILED, STOPPING, STOPPED or CANCELED."""
    detail = {**_common(execution, state), "stage": stage.name}
    if stage.retried_at is not None:
        detail["stage-last-retry-attempt-time"] = _time(stage.retried_at)
    return _event(execution, STAGE_CHANGE, detail, now)


def action_event(action: ActionExecution, state: str, region: str, now: datetime) -> AwsEvent:
    """`state`: STARTED, SUCCEEDED, FAILED, ABANDONED or CANCELED."""
    detail = {
        **_common(action.execution, state),
        "start-time": _time(action.started_at),
        "stage": action.stage.name,
        "action-execution-id": action.id,
        "action": action.declaration.name,
        "region": action.declaration.region or region,
        "type": action.declaration.type.document(),
    }
    if action.inputs:
        detail["input-artifacts"] = _artifacts(action.inputs)
    if state == "SUCCEEDED" and action.outputs:
        detail["output-artifacts"] = _artifacts(action.outputs)
    if state in {"SUCCEEDED", "FAILED"} and (result := _result(action)):
        detail["execution-result"] = result
    return _event(action.execution, ACTION_CHANGE, detail, now)


def _common(execution: PipelineExecution, state: str) -> dict[str, Any]:
    return {
        "pipeline": execution.declaration.name,
        "execution-id": execution.id,
        "start-time": _time(execution.started_at),
        "state": state,
        "version": float(execution.declaration.version),
        "pipeline-execution-attempt": float(execution.attempt),
    }


def _result(action: ActionExecution) -> dict[str, str]:
    summary = action.error.message if action.error else action.summary
    members = {
        "external-execution-url": action.external_url,
        "external-execution-summary": summary,
        "external-execution-id": action.external_id,
        "error-code": action.error.code.value if action.error else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _artifacts(artifacts: Iterable[Artifact]) -> list[dict[str, Any]]:
    return [
        {"name": artifact.name, "s3location": {"bucket": artifact.bucket, "key": artifact.key}}
        for artifact in artifacts
    ]


def _event(execution: PipelineExecution, detail_type: str, detail: dict[str, Any], now: datetime) -> AwsEvent:
    return AwsEvent(
        source=SOURCE,
        detail_type=detail_type,
        detail=detail,
        time=now,
        resources=(execution.pipeline.arn,),
    )


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

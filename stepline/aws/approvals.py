"""Finds approvals that an execution of a pipeline waits for, and the command that answers them."""

from __future__ import annotations

from dataclasses import dataclass

from stepline.aws.pipeline_executions import PipelineExecution
from stepline.aws.statuses import Status
from stepline.aws.target import Target

_PROVIDER = "Manual"  # of all approval actions, and of no others [doc: CodePipeline action types]


@dataclass(frozen=True)
class WaitingApproval:
    """`command` approves with the AWS CLI, which reads the token of this approval first."""

    stage: str
    action: str
    command: str


def list_waiting_approvals(execution: PipelineExecution, target: Target) -> tuple[WaitingApproval, ...]:
    return tuple(
        WaitingApproval(
            stage.name, action.name, _command(execution.pipeline, stage.name, action.name, target)
        )
        for stage in execution.stages
        for action in stage.actions
        if action.provider == _PROVIDER and action.status is Status.IN_PROGRESS
    )


def _command(pipeline: str, stage: str, action: str, target: Target) -> str:
    """Return a command for bash; names of pipelines, stages and actions need no quotes [model]."""
    options = _options(target)
    actions = f"stageStates[?stageName=='{stage}'].actionStates[]"
    query = f"{actions} | [?actionName=='{action}'].latestExecution.token"
    token = f'aws codepipeline get-pipeline-state {options} --name {pipeline} --output text --query "{query}"'
    return (
        f"aws codepipeline put-approval-result {options} --pipeline-name {pipeline} --stage-name {stage} "
        f'--action-name {action} --result status=Approved,summary=Approved --token "$({token})"'
    )


def _options(target: Target) -> str:
    """Return the options with which the AWS CLI uses the target."""
    if target.is_local:
        return f"--endpoint-url {target.endpoint_url}"
    profile = f" --profile '{target.profile}'" if target.profile else ""
    return f"--region {target.region}{profile}"

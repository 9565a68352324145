"""Finds the manual approvals that wait in pipelines, and answers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from stepline.aws.pipelines import list_pipeline_names, read_definition, read_stage_states
from stepline.aws.statuses import Status
from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

APPROVAL_PROVIDER: Final = "Manual"
"""Of all approval actions, and of no others [doc: CodePipeline action types]."""

MAX_COMMENT_CHARACTERS: Final = 512
"""`summary` of PutApprovalResult [model]."""

_PARALLEL: Final = "PARALLEL"
_ANSWERED: Final = frozenset({"ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"})


class Answer(StrEnum):
    """`ApprovalStatus` [model]."""

    APPROVED = "Approved"
    REJECTED = "Rejected"


@dataclass(frozen=True)
class Approval:
    """An approval that waits. Whoever has the token and may call PutApprovalResult can answer it."""

    pipeline: str
    stage: str
    action: str
    execution_id: str
    token: str = field(repr=False)

    @property
    def options(self) -> str:
        """The arguments of `stepline approve` that name it; a stage, an action and an id need no quotes."""
        return f"{self.pipeline} --stage {self.stage} --action {self.action}"


@dataclass(frozen=True)
class ApprovalChoice:
    """Which approval the user means; None is any."""

    pipeline: str | None = None
    stage: str | None = None
    action: str | None = None
    execution_id: str | None = None

    def matches(self, approval: Approval) -> bool:
        return all(
            wanted is None or wanted == actual
            for wanted, actual in (
                (self.stage, approval.stage),
                (self.action, approval.action),
                (self.execution_id, approval.execution_id),
            )
        )


def find_approval(codepipeline: CodePipelineClient, choice: ApprovalChoice) -> Approval:
    """Return the only waiting approval that `choice` means. Raises UsageError if none or several wait."""
    names = [choice.pipeline] if choice.pipeline else list_pipeline_names(codepipeline)
    waiting = [approval for name in names for approval in list_approvals(codepipeline, name)]
    found = [approval for approval in waiting if choice.matches(approval)]
    if len(found) == 1:
        return found[0]
    if found:
        with_ids = len({approval.options for approval in found}) < len(found)
        raise UsageError(f"several approvals wait, name one of them: {_list(found, with_ids=with_ids)}")
    if waiting:
        raise UsageError(f"no such approval waits; waiting: {_list(waiting, with_ids=True)}")
    where = f"in pipeline {choice.pipeline}" if choice.pipeline else "in any pipeline"
    raise UsageError(f"no approval waits {where}: `stepline status` shows the pipelines")


def list_approvals(codepipeline: CodePipelineClient, pipeline: str) -> list[Approval]:
    """Return the approvals that wait in the pipeline.

    GetPipelineState has their tokens. In mode PARALLEL, where several executions can be in a stage, the token
    is the `externalExecutionId` of ListActionExecutions [model: PutApprovalResult].
    """
    definition = read_definition(codepipeline, pipeline)
    approvals = list(_of_state(codepipeline, pipeline))
    if definition.execution_mode != _PARALLEL:
        return approvals
    return list(_of_action_executions(codepipeline, pipeline)) or approvals


def answer_approval(
    codepipeline: CodePipelineClient, approval: Approval, answer: Answer, comment: str
) -> None:
    """Approve or reject. Raises UsageError if the approval no longer waits."""
    try:
        codepipeline.put_approval_result(
            pipelineName=approval.pipeline,
            stageName=approval.stage,
            actionName=approval.action,
            result={"status": answer.value, "summary": comment},
            token=approval.token,
        )
    except ClientError as error:
        if error_code(error) not in _ANSWERED:
            raise
        raise UsageError(f"{approval.stage} / {approval.action} no longer waits for an approval") from error


def _of_state(codepipeline: CodePipelineClient, pipeline: str) -> Iterator[Approval]:
    for stage in read_stage_states(codepipeline, pipeline):
        for action in stage.actions:
            if action.approval_token and action.status is Status.IN_PROGRESS:
                execution_id = stage.execution_id or ""
                yield Approval(pipeline, stage.name, action.name, execution_id, action.approval_token)


def _of_action_executions(codepipeline: CodePipelineClient, pipeline: str) -> Iterator[Approval]:
    pages = codepipeline.get_paginator("list_action_executions").paginate(pipelineName=pipeline)
    for page in pages:
        for each in page["actionExecutionDetails"]:
            provider = each.get("input", {}).get("actionTypeId", {}).get("provider")
            token = each.get("output", {}).get("executionResult", {}).get("externalExecutionId")
            if provider == APPROVAL_PROVIDER and each.get("status") == Status.IN_PROGRESS.value and token:
                yield Approval(
                    pipeline, each["stageName"], each["actionName"], each["pipelineExecutionId"], token
                )


def _list(approvals: list[Approval], *, with_ids: bool) -> str:
    return ", ".join(
        f"`{approval.options} --execution-id {approval.execution_id}`"
        if with_ids
        else f"`{approval.options}`"
        for approval in approvals
    )

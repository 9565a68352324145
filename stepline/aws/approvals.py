"""Finds the approvals that wait, and answers them: those of pipelines, and those of state machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from stepline.aws.pipelines import (
    PARALLEL,
    StageState,
    find_pipeline,
    list_pipeline_names,
    read_definition,
    read_stage_states,
)
from stepline.aws.statuses import Status
from stepline.aws.target import Target
from stepline.aws.workflow_approvals import (
    WorkflowApproval,
    answer_workflow_approval,
    list_readable_workflow_approvals,
    list_workflow_approvals,
)
from stepline.core.approvals import REQUEST_ID, Decision
from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

APPROVAL_PROVIDER: Final = "Manual"
"""Of all approval actions, and of no others [doc: CodePipeline action types]."""

MAX_COMMENT_CHARACTERS: Final = 512
"""`summary` of PutApprovalResult [model]."""

_ANSWERED: Final = frozenset({"ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"})


class Answer(StrEnum):
    """`ApprovalStatus` [model]."""

    APPROVED = "Approved"
    REJECTED = "Rejected"


_DECISIONS: Final = {Answer.APPROVED: Decision.APPROVE, Answer.REJECTED: Decision.REJECT}


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

    @property
    def title(self) -> str:
        return f"{self.stage} / {self.action} of pipeline {self.pipeline}"


AnyApproval = Approval | WorkflowApproval


@dataclass(frozen=True)
class ApprovalChoice:
    """Which approval the user means; None is any.

    `pipeline` can also be the id of a request of a state machine.
    """

    pipeline: str | None = None
    stage: str | None = None
    action: str | None = None
    execution_id: str | None = None

    @property
    def request_id(self) -> str | None:
        return self.pipeline if self.pipeline and REQUEST_ID.fullmatch(self.pipeline) else None

    def matches(self, approval: AnyApproval) -> bool:
        if self.request_id:
            return isinstance(approval, WorkflowApproval) and approval.id == self.request_id
        if self.pipeline not in {None, approval.pipeline}:
            return False
        return all(
            wanted is None or wanted == actual
            for wanted, actual in (
                (self.stage, approval.stage),
                (self.action, approval.action),
                (self.execution_id, approval.execution_id),
            )
        )


def find_approval(target: Target, choice: ApprovalChoice) -> AnyApproval:
    """Return the only waiting approval that `choice` means. Raises UsageError if none or several wait."""
    codepipeline: CodePipelineClient = target.client("codepipeline")
    if choice.request_id:
        waiting: list[AnyApproval] = [*list_workflow_approvals(target)]
    else:
        waiting = [*list_readable_workflow_approvals(target)]
        named = find_pipeline(target, choice.pipeline).name if choice.pipeline else None
        names = [named] if named else list_pipeline_names(codepipeline)
        waiting = [each for each in waiting if named in {None, each.pipeline}]
        waiting += [approval for name in names for approval in list_approvals(codepipeline, name)]
    found = [approval for approval in waiting if choice.matches(approval)]
    if len(found) == 1:
        return found[0]
    if found:
        with_ids = len({approval.options for approval in found}) < len(found)
        raise UsageError(f"several approvals wait, name one of them: {_list(found, with_ids=with_ids)}")
    if waiting:
        raise UsageError(f"no such approval waits; waiting: {_list(waiting, with_ids=True)}")
    if choice.request_id:
        raise UsageError(
            f"no approval {choice.request_id} waits: it was answered, has expired, or was stopped"
        )
    where = f"in pipeline {choice.pipeline}" if choice.pipeline else "in any pipeline"
    raise UsageError(f"no approval waits {where}: `stepline status` shows the pipelines")


def list_approvals(
    codepipeline: CodePipelineClient, pipeline: str, execution_id: str | None = None
) -> list[Approval]:
    """Return the approvals that wait in the pipeline, or in one of its executions.

    GetPipelineState has their tokens. In mode PARALLEL, where several executions can be in a stage, the token
    is the `externalExecutionId` of ListActionExecutions [model: PutApprovalResult].
    """
    definition = read_definition(codepipeline, pipeline)
    approvals = approvals_of_states(pipeline, read_stage_states(codepipeline, pipeline))
    if definition.execution_mode == PARALLEL:
        approvals = list(_of_action_executions(codepipeline, pipeline, execution_id)) or approvals
    return [each for each in approvals if execution_id in {None, each.execution_id}]


def answer_approval(target: Target, approval: AnyApproval, answer: Answer, comment: str) -> None:
    """Approve or reject. Raises UsageError if the approval no longer waits, or the answer is refused."""
    if isinstance(approval, WorkflowApproval):
        answer_workflow_approval(target, approval, _DECISIONS[answer], comment)
    else:
        _answer_manual_approval(target.client("codepipeline"), approval, answer, comment or answer.value)


def _answer_manual_approval(
    codepipeline: CodePipelineClient, approval: Approval, answer: Answer, comment: str
) -> None:
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


def approvals_of_states(pipeline: str, stages: Iterable[StageState]) -> list[Approval]:
    """Return the approvals that wait, as the pipeline's state lists them: not all in mode PARALLEL."""
    return [
        Approval(pipeline, stage.name, action.name, stage.execution_id or "", action.approval_token)
        for stage in stages
        for action in stage.actions
        if action.approval_token and action.status is Status.IN_PROGRESS
    ]


def _of_action_executions(
    codepipeline: CodePipelineClient, pipeline: str, execution_id: str | None
) -> Iterator[Approval]:
    chosen: Any = {"filter": {"pipelineExecutionId": execution_id}} if execution_id else {}
    pages = codepipeline.get_paginator("list_action_executions").paginate(pipelineName=pipeline, **chosen)
    for page in pages:
        for each in page["actionExecutionDetails"]:
            provider = each.get("input", {}).get("actionTypeId", {}).get("provider")
            token = each.get("output", {}).get("executionResult", {}).get("externalExecutionId")
            if provider == APPROVAL_PROVIDER and each.get("status") == Status.IN_PROGRESS.value and token:
                yield Approval(
                    pipeline, each["stageName"], each["actionName"], each["pipelineExecutionId"], token
                )


def _list(approvals: Sequence[AnyApproval], *, with_ids: bool) -> str:
    return ", ".join(
        f"`{approval.options} --execution-id {approval.execution_id}`"
        if with_ids and isinstance(approval, Approval)
        else f"`{approval.options}`"
        for approval in approvals
    )

"""Stores a request for approval, and sends it to the people who may approve.

The execution waits until the function that answers requests sends the task token, or until the time is over.
The token is only a wake-up call: what was decided is in the table.

IAM: dynamodb:UpdateItem on the table; sns:Publish on the topic; codepipeline:GetPipelineExecution.
Environment: APPROVALS_TABLE_ARN, APPROVAL_TOPIC_ARN.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from statemachines.approvals.errors import ApprovalDecidedError
from statemachines.approvals.mail import Mail, write_mail
from statemachines.approvals.requesters import find_requester
from statemachines.approvals.requests import ApprovalRequest, ApprovalTable
from stepline.core import clients
from stepline.core.environment import required
from stepline.core.fields import JsonObject

_PIPELINE_MEMBERS = ("pipelineName", "stage", "action", "pipelineExecutionId")


@dataclass(frozen=True)
class Question:
    """What is asked. `pipeline` is the member `codepipeline` of the execution's input.

    `members` are those of the description of the request besides `kind` and what all requests have; `subject`
    is what is to be approved, for the function that answers.
    """

    id: str
    kind: str
    execution_arn: str
    asked_at: datetime
    timeout_seconds: int
    not_by_requester: bool
    pipeline: Mapping[str, Any]
    members: JsonObject
    subject: Mapping[str, Any] = field(default_factory=dict)

    @property
    def expires_at(self) -> datetime:
        return self.asked_at + timedelta(seconds=self.timeout_seconds)

    @property
    def expires(self) -> str:
        return _iso(self.expires_at)


def ask(question: Question, mail: Mail, task_token: str) -> None:
    """Store the request and publish the message. Raise `ApprovalDecidedError` if it was answered."""
    requester = find_requester(clients.codepipeline(), question.pipeline)
    artifacts = question.pipeline.get("artifacts") or [{}]
    description = {
        **{name: question.pipeline.get(name) or "" for name in _PIPELINE_MEMBERS},
        "id": question.id,
        "kind": question.kind,
        "executionArn": question.execution_arn,
        "revision": artifacts[0].get("revision") or "",
        "requester": requester.arn,
        "requesterUnknownBecause": requester.explanation,
        "notByRequester": question.not_by_requester,
        "requestedAt": _iso(question.asked_at),
        "expiresAt": question.expires,
        **question.members,
    }
    request = ApprovalRequest(
        id=question.id,
        description=json.dumps(description, sort_keys=True),
        execution_arn=question.execution_arn,
        expires_at=question.expires_at,
        not_by_requester=question.not_by_requester,
        requester=requester.arn,
        subject=question.subject,
        task_token=task_token,
    )
    if not ApprovalTable.open(clients.dynamodb()).put(request):
        raise ApprovalDecidedError(f"The request {request.id} was answered.")
    clients.sns().publish(TopicArn=required("APPROVAL_TOPIC_ARN"), **write_mail(description, mail))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")

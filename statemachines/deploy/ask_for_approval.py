"""Ask For Approval: stores a request for approval, and sends it to the people who may approve.

The execution waits until the function that answers requests sends the task token, or until the time is over.
The token is only a wake-up call: what was decided is in the table.

IAM: dynamodb:UpdateItem on the table; sns:Publish on the topic; codepipeline:GetPipelineExecution.
Environment: APPROVALS_TABLE_ARN, APPROVAL_TOPIC_ARN, PIPELINE_STACK_NAME.
"""

from __future__ import annotations

import json
from datetime import UTC, timedelta

from statemachines.deploy.approval_mail import mail
from statemachines.deploy.approval_requests import ApprovalRequest, ApprovalTable
from statemachines.deploy.deployment import Deployment
from statemachines.deploy.errors import ApprovalDecidedError
from statemachines.deploy.requesters import Requester, find_requester
from statemachines.deploy.task import task
from stepline.core import clients
from stepline.core.environment import required
from stepline.core.fields import Fields, JsonObject
from stepline.core.trigger_keys import CODEPIPELINE


@task
def handler(event: Fields) -> JsonObject:
    """Event `{"taskToken", "enteredAt", "request", "execution", "stack": {"id"}, "changeSet": …}`.

    Returns `{}`, which Step Functions ignores: the task ends with its token.
    """
    deployment = Deployment.parse_with_stack(event)
    pipeline = event.section("request").object_or_none(CODEPIPELINE)
    requester = find_requester(clients.codepipeline(), pipeline)
    description = _description(event, deployment, requester)
    request = _request(event, deployment, description, requester)
    if not ApprovalTable.open(clients.dynamodb()).put(request):
        raise ApprovalDecidedError(f"The request {request.id} was answered.")
    topic = required("APPROVAL_TOPIC_ARN")
    clients.sns().publish(TopicArn=topic, **mail(description))
    return {}


def _request(
    event: Fields, deployment: Deployment, description: JsonObject, requester: Requester
) -> ApprovalRequest:
    needed = event.section("changeSet").section("inspection").section("approval")
    timeout = timedelta(seconds=needed.count("timeoutSeconds"))
    return ApprovalRequest(
        id=deployment.attempt.approval_id,
        description=json.dumps(description, sort_keys=True),
        execution_arn=deployment.attempt.execution_arn,
        stack_id=deployment.stack_id,
        change_set_id=event.section("changeSet").text("id"),
        expires_at=event.moment("enteredAt") + timeout,
        not_by_requester=needed.flag("notByRequester"),
        requester=requester.arn,
        task_token=event.text("taskToken"),
    )


def _description(event: Fields, deployment: Deployment, requester: Requester) -> JsonObject:
    """Return what people read. Members that are unknown are empty."""
    needed = event.section("changeSet").section("inspection").section("approval")
    pipeline = event.section("request").object_or_none(CODEPIPELINE) or {}
    requested_at = event.moment("enteredAt")
    artifacts = pipeline.get("artifacts") or [{}]
    known = {
        name: pipeline.get(name) or "" for name in ("pipelineName", "stage", "action", "pipelineExecutionId")
    }
    return {
        **known,
        "id": deployment.attempt.approval_id,
        "installation": required("PIPELINE_STACK_NAME"),
        "stackName": deployment.request.stack_name,
        "executionArn": deployment.attempt.execution_arn,
        "changeSetId": event.section("changeSet").text("id"),
        "revision": artifacts[0].get("revision") or "",
        "requester": requester.arn,
        "requesterUnknownBecause": requester.explanation,
        "notByRequester": needed.flag("notByRequester"),
        "requestedAt": requested_at.astimezone(UTC).isoformat(timespec="seconds"),
        "expiresAt": (requested_at + timedelta(seconds=needed.count("timeoutSeconds")))
        .astimezone(UTC)
        .isoformat(timespec="seconds"),
        "resources": needed.value("resources"),
        "omitted": needed.count("omitted"),
    }

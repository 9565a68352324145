"""The manual approval action: it notifies the reviewers, and waits for PutApprovalResult.

https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.artifacts import actor_of
from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.errors import (
    ApprovalAlreadyCompletedException,
    InvalidApprovalTokenException,
)
from stepline.localaws.codepipeline.execution_flow import ExecutionFlow
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionResult
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.iam import acting_as

_APPROVED = "Approved"
_MAX_SUBJECT_CHARACTERS = 100  # [doc: Publish, Subject]
_OPTIONAL_MEMBERS = {"ExternalEntityLink": "externalEntityLink", "CustomData": "customData"}
"""Configuration -> member of the notification."""


class ApprovalAction:
    def __init__(self, runtime: Runtime, flow: ExecutionFlow, clients: ServiceClients) -> None:
        self._runtime = runtime
        self._flow = flow
        self._clients = clients

    def start(self, action: ActionExecution, *, timeout_seconds: float) -> None:
        """Create the token that PutApprovalResult must pass (GetPipelineState returns it), and notify.

        AWS does not document what it does if the role may not publish to the topic; here the action fails.
        """
        with self._runtime.transaction():
            action.approval_token = token = self._runtime.new_id()
        topic = action.resolved_configuration.get("NotificationArn")
        if topic is None or self._clients.sns is None:
            return
        message = notification(action, token, timeout_seconds=timeout_seconds, region=self._runtime.region)
        subject = f"APPROVAL NEEDED: AWS CodePipeline {action.execution.declaration.name} for action "
        subject += action.declaration.name
        try:
            with acting_as(actor_of(action)):
                self._clients.sns.publish(
                    TopicArn=topic, Subject=subject[:_MAX_SUBJECT_CHARACTERS], Message=json.dumps(message)
                )
        except AWS_FAILURES as error:
            failure = ActionResult.failure(
                FailureType.CONFIGURATION_ERROR, f"The approval's topic {topic} was not notified: {error}"
            )
            self._flow.finish_action(action, failure)

    def put_result(
        self, actions: Iterable[ActionExecution], *, token: str, status: str, summary: str
    ) -> None:
        """Approve or reject the one of `actions` that waits with `token`.

        Raises InvalidApprovalTokenException, ApprovalAlreadyCompletedException.
        """
        with self._runtime.transaction():
            action = next((action for action in actions if action.approval_token == token), None)
            if action is None:
                raise InvalidApprovalTokenException("Invalid approval token")
            if not action.in_progress:
                raise ApprovalAlreadyCompletedException("The approval action has already been completed")
            action.updated_by = self._runtime.caller_arn
            action.summary = summary or None
            self._flow.finish_action(action, self._result(status, summary))

    def _result(self, status: str, summary: str) -> ActionResult:
        if status == _APPROVED:
            return ActionResult()
        message = f"Rejected by {self._runtime.caller_arn}" + (f": {summary}" if summary else "")
        return ActionResult.failure(FailureType.JOB_FAILED, message)


def notification(
    action: ActionExecution, token: str, *, timeout_seconds: float, region: str
) -> dict[str, Any]:
    """Return the message for the topic.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html
    """
    pipeline, stage, name = action.execution.declaration.name, action.stage.name, action.declaration.name
    link = f"https://console.aws.amazon.com/codepipeline/home?region={region}#/view/{pipeline}"
    expires = action.started_at + timedelta(seconds=timeout_seconds)
    configuration = action.resolved_configuration
    return {
        "region": region,
        "consoleLink": link,
        "approval": {
            "pipelineName": pipeline,
            "stageName": stage,
            "actionName": name,
            "token": token,
            "expires": f"{expires:%Y-%m-%dT%H:%MZ}",
            "approvalReviewLink": f"{link}/{stage}/{name}/approve/{token}",
            **{
                member: configuration[key]
                for key, member in _OPTIONAL_MEMBERS.items()
                if key in configuration
            },
        },
    }

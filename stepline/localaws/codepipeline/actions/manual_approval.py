"""The manual approval action: it creates the token for PutApprovalResult, and notifies the reviewers.

https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, ProviderContext, aws_type
from stepline.localaws.codepipeline.artifacts import actor_of
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionResult
from stepline.localaws.iam import acting_as

_MAX_SUBJECT_CHARACTERS = 100  # [doc: Publish, Subject]
_OPTIONAL_MEMBERS = {"ExternalEntityLink": "externalEntityLink", "CustomData": "customData"}
"""Configuration -> member of the notification."""


class ApprovalAction:
    def __init__(self, context: ProviderContext) -> None:
        self._runtime = context.runtime
        self._flow = context.flow
        self._clients = context.clients

    def start(self, action: ActionExecution) -> None:
        """Create the token that PutApprovalResult must pass (GetPipelineState returns it), and notify.

        AWS does not document what it does if the role may not publish to the topic; here the action fails.
        """
        with self._runtime.transaction():
            action.approval_token = token = self._runtime.new_id()
        topic = action.resolved_configuration.get("NotificationArn")
        if topic is None or self._clients.sns is None:
            return
        message = notification(
            action, token, timeout_seconds=self._timeout_seconds(action), region=self._runtime.region
        )
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

    def _timeout_seconds(self, action: ActionExecution) -> float:
        minutes = action.declaration.timeout_minutes
        return self._runtime.settings.approval_timeout_seconds if minutes is None else minutes * 60.0

    def abandon(self, action: ActionExecution) -> None:
        """Do nothing: nobody can approve an action that has ended."""


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


DEFINITION = ActionTypeDefinition(
    type=aws_type("Approval", "Manual"),
    inputs=(0, 0),
    outputs=(0, 0),
    required=(),
    optional=("NotificationArn", "CustomData", "ExternalEntityLink"),
    provider=ApprovalAction,
    timeout_seconds=lambda settings: settings.approval_timeout_seconds,
    takes_timeout=True,
)

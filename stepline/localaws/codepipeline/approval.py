"""The manual approval action: it waits for PutApprovalResult.

https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html. No notification is sent:
`NotificationArn` is accepted and shown, and the local AWS has no SNS to tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.errors import (
    ApprovalAlreadyCompletedException,
    InvalidApprovalTokenException,
)
from stepline.localaws.codepipeline.flow import Flow
from stepline.localaws.codepipeline.models import FailureType, Outcome
from stepline.localaws.codepipeline.state import ActionExecution

APPROVED = "Approved"


class ApprovalAction:
    def __init__(self, core: Core, flow: Flow) -> None:
        self._core = core
        self._flow = flow

    def begin(self, action: ActionExecution) -> None:
        """Give the token that an answer must bring (GetPipelineState shows it), and wait."""
        with self._core.transaction():
            action.approval_token = self._core.new_id()

    def answer(self, actions: Iterable[ActionExecution], *, token: str, status: str, summary: str) -> None:
        """Answer the one of `actions` that waits with `token`.

        Raises InvalidApprovalTokenException, ApprovalAlreadyCompletedException.
        """
        with self._core.transaction():
            action = next((action for action in actions if action.approval_token == token), None)
            if action is None:
                raise InvalidApprovalTokenException("Invalid approval token")
            if not action.in_progress:
                raise ApprovalAlreadyCompletedException("The approval action has already been completed")
            action.updated_by = self._core.caller_arn
            action.summary = summary or None
            self._flow.finish_action(action, self._outcome(status, summary))

    def _outcome(self, status: str, summary: str) -> Outcome:
        if status == APPROVED:
            return Outcome()
        message = f"Rejected by {self._core.caller_arn}" + (f": {summary}" if summary else "")
        return Outcome.failure(FailureType.JOB_FAILED, message)

"""What people report of manual approval actions: PutApprovalResult."""

from __future__ import annotations

from collections.abc import Iterable

from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.errors import (
    ApprovalAlreadyCompletedException,
    InvalidApprovalTokenException,
)
from stepline.localaws.codepipeline.execution_flow import ExecutionFlow
from stepline.localaws.codepipeline.models import ActionExecution
from stepline.localaws.codepipeline.results import ActionResult
from stepline.localaws.codepipeline.runtime import Runtime

_APPROVED = "Approved"


class Approvals:
    def __init__(self, runtime: Runtime, flow: ExecutionFlow) -> None:
        self._runtime = runtime
        self._flow = flow

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

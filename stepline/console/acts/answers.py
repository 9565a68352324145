"""Approves or rejects what waits. The form is on the page of the approval."""

from __future__ import annotations

from typing import Final

from stepline.aws.approvals import MAX_COMMENT_CHARACTERS, Answer, answer_approval
from stepline.console.acts.act import Act, argument, reason_of, require_actions
from stepline.console.addresses import approval_address, execution_address, pipeline_execution_address
from stepline.console.pages import Console, Page, Query, Read
from stepline.console.views.approvals import find_waiting, open_approval
from stepline.core.errors import UsageError

ANSWER_FIELD: Final = "answer"


def _open(console: Console, query: Query) -> Read:
    require_actions(console)
    return open_approval(console, Query(query.arguments, {}))


def _answer(console: Console, query: Query) -> str:
    answer = argument(query, ANSWER_FIELD)
    if answer not in {each.value for each in Answer}:
        raise UsageError("choose Approve or Reject")
    reason = reason_of(query, MAX_COMMENT_CHARACTERS)
    approval = find_waiting(console, query.arguments)
    answer_approval(console.target, approval, Answer(answer), reason)
    if approval.pipeline and approval.execution_id:
        return pipeline_execution_address(approval.pipeline, approval.execution_id)
    execution_arn = getattr(approval, "execution_arn", "")
    return execution_address(execution_arn) if execution_arn else approval_address(approval)


ACTS = (Act("/acts/answer", Page("/acts/answer", "approval.html", _open), _answer, has_page=False),)

"""Answers a request for approval of a wave. Approvers invoke this function; it is no task.

IAM: dynamodb:GetItem and UpdateItem on the table; states:DescribeExecution on the executions;
states:SendTaskSuccess. Environment: APPROVALS_TABLE_ARN.
"""

from __future__ import annotations

from statemachines.approvals.answers import answer_event
from statemachines.task import task
from stepline.core.fields import Fields, JsonObject


@task("rollout")
def handler(event: Fields) -> JsonObject:
    """Event: see `SignedAnswer`. Returns `{"id", "status", "decidedBy", "decidedAt"}`."""
    return answer_event(event, lambda _request: "")

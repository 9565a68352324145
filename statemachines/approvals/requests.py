"""The requests for approval, items of a DynamoDB table. Each is decided at most once.

id                  the key, derived from the attempt, so that a repeated task finds it
waiting             the id, as long as nobody has answered: the key of the index
request             the description, JSON, without anything secret
status              `RequestStatus`
taskToken           wakes the execution; only the functions of the state machine read it
executionArn, requester, notByRequester, expiresAt
                    what an answer is checked against
subject             what is to be approved, JSON, for the function that answers
decidedBy, decidedAt, reason
                    the answer
deleteAfter         when DynamoDB may delete the item

Times are seconds since 1970.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from botocore.exceptions import ClientError

from statemachines.approvals.limits import APPROVAL_RETENTION_DAYS
from stepline.core.approvals import REQUEST_ATTRIBUTE
from stepline.core.aws_errors import error_code
from stepline.core.environment import required

_CONDITION_FAILED: Final = "ConditionalCheckFailedException"


class RequestStatus(StrEnum):
    WAITING = "WAITING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    OBSOLETE = "OBSOLETE"  # what was to be approved is not possible any more


@dataclass(frozen=True)
class ApprovalRequest:
    """A request; `description` is what people read, JSON. `requester` is empty if it is unknown.

    `subject` identifies what is to be approved; the state machine that asks decides what it contains.
    """

    id: str
    description: str
    execution_arn: str
    expires_at: datetime
    not_by_requester: bool
    requester: str = ""
    subject: Mapping[str, Any] = field(default_factory=dict)
    task_token: str = field(default="", repr=False)
    status: RequestStatus = RequestStatus.WAITING
    decided_by: str = ""
    decided_at: str = ""
    reason: str = ""

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Self:
        def text(name: str) -> str:
            return str(item.get(name, {}).get("S", ""))

        return cls(
            id=text("id"),
            description=text(REQUEST_ATTRIBUTE),
            execution_arn=text("executionArn"),
            expires_at=datetime.fromtimestamp(int(item["expiresAt"]["N"]), UTC),
            not_by_requester=bool(item["notByRequester"]["BOOL"]),
            requester=text("requester"),
            subject=json.loads(text("subject") or "{}"),
            task_token=text("taskToken"),
            status=RequestStatus(text("status")),
            decided_by=text("decidedBy"),
            decided_at=text("decidedAt"),
            reason=text("reason"),
        )


@dataclass(frozen=True)
class ApprovalTable:
    """The table, which the environment variable APPROVALS_TABLE_ARN names."""

    dynamodb: Any
    arn: str

    @classmethod
    def open(cls, dynamodb: Any) -> Self:
        return cls(dynamodb, required("APPROVALS_TABLE_ARN"))

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]

    def put(self, request: ApprovalRequest) -> bool:
        """Store a request that waits, or its new task token. Return False if it was answered."""
        expires_at = int(request.expires_at.timestamp())
        values: dict[str, Any] = {
            "waiting": {"S": request.id},
            REQUEST_ATTRIBUTE: {"S": request.description},
            "status": {"S": RequestStatus.WAITING},
            "taskToken": {"S": request.task_token},
            "executionArn": {"S": request.execution_arn},
            "subject": {"S": json.dumps(request.subject, sort_keys=True)},
            "expiresAt": {"N": str(expires_at)},
            "deleteAfter": {"N": str(expires_at + _seconds(APPROVAL_RETENTION_DAYS))},
            "notByRequester": {"BOOL": request.not_by_requester},
            "requester": {"S": request.requester},
        }
        condition = "attribute_not_exists(#id) OR #status = :status"
        return self._update(request.id, values, condition, names={"#id": "id"})

    def get(self, request_id: str) -> ApprovalRequest | None:
        """Return the request as it is now, not as it was a moment ago."""
        response = self.dynamodb.get_item(
            TableName=self.name, Key={"id": {"S": request_id}}, ConsistentRead=True
        )
        return ApprovalRequest.parse(response["Item"]) if "Item" in response else None

    def decide(
        self,
        request: ApprovalRequest,
        status: RequestStatus,
        *,
        now: datetime,
        decided_by: str = "",
        reason: str = "",
    ) -> bool:
        """Store the decision. Return False if the request was decided, expired or repeated meanwhile.

        An expired request can only become EXPIRED or OBSOLETE.
        """
        values: dict[str, Any] = {
            "status": {"S": status},
            "decidedBy": {"S": decided_by},
            "decidedAt": {"S": now.isoformat(timespec="seconds")},
            "reason": {"S": reason},
        }
        condition = "#status = :waiting AND #taskToken = :token"
        compared = {":waiting": {"S": RequestStatus.WAITING}, ":token": {"S": request.task_token}}
        names = {"#taskToken": "taskToken"}
        if status in {RequestStatus.APPROVED, RequestStatus.REJECTED}:
            condition += " AND #expiresAt > :now"
            compared[":now"] = {"N": str(int(now.timestamp()))}
            names["#expiresAt"] = "expiresAt"
        return self._update(request.id, values, condition, names=names, compared=compared, remove="waiting")

    def _update(
        self,
        request_id: str,
        values: Mapping[str, Any],
        condition: str,
        *,
        names: Mapping[str, str],
        compared: Mapping[str, Any] | None = None,
        remove: str = "",
    ) -> bool:
        removed = f" REMOVE #{remove}" if remove else ""
        all_names = {f"#{name}": name for name in [*values, *([remove] if remove else [])]}
        try:
            self.dynamodb.update_item(
                TableName=self.name,
                Key={"id": {"S": request_id}},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values) + removed,
                ConditionExpression=condition,
                ExpressionAttributeNames={**all_names, **names},
                ExpressionAttributeValues={
                    **{f":{name}": value for name, value in values.items()},
                    **(compared or {}),
                },
            )
        except ClientError as error:
            if error_code(error) != _CONDITION_FAILED:
                raise
            return False
        return True


def _seconds(days: int) -> int:
    return int(timedelta(days=days).total_seconds())

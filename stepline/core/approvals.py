"""What both sides of an approval share: names, limits, and how an approver proves who it is.

Lambda does not tell a function who invoked it. So an approver signs a request for sts:GetCallerIdentity, and
passes the signature to the function, which sends the request: STS then returns who signed it
[doc: GetCallerIdentity]. The request has a header that names the answer, and is signed with it. So a proof is
of no use for another answer, or for another installation.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

TABLE_SUFFIX: Final = "-deploy-approvals"
FUNCTION_SUFFIX: Final = "-answer-approval"
"""The names of the table of requests and of the function that answers them, after the installation's name."""

WAITING_INDEX: Final = "waiting"
"""The index of the requests that wait. It contains their ids and `request`, and no task tokens."""

REQUEST_ATTRIBUTE: Final = "request"
"""The description of the request, JSON."""

MAX_REASON_CHARACTERS: Final = 512
"""As the comment of CodePipeline's approvals (`summary` of PutApprovalResult [model])."""

IDENTITY_BODY: Final = "Action=GetCallerIdentity&Version=2011-06-15"
IDENTITY_CONTENT_TYPE: Final = "application/x-www-form-urlencoded; charset=utf-8"
"""The request for sts:GetCallerIdentity as botocore sends it; the signature includes them."""

ANSWER_HEADER: Final = "x-stepline-answer"
"""The header of this request with `ApprovalAnswer.digest`."""


class ApprovalKind(StrEnum):
    """What a request is about; `kind` in its description."""

    CHANGE = "change"
    WAVE = "wave"


class Decision(StrEnum):
    """What an approver says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True)
class ApprovalAnswer:
    """An answer to the request `approval_id`. `table_arn` is the ARN of the installation's table."""

    table_arn: str
    approval_id: str
    decision: Decision
    reason: str

    @property
    def digest(self) -> str:
        """A SHA-256 in hexadecimal of everything that the approver signs."""
        parts = [self.table_arn, self.approval_id, self.decision.value, self.reason]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

"""What both sides of an approval share: names, limits, and how an approver proves who it is.

Lambda does not tell a function who invoked it. So an approver signs a request for sts:GetCallerIdentity, and
passes the signature to the function, which sends the request: STS then returns who signed it
[doc: GetCallerIdentity]. The request has a header that names the answer, and is signed with it. So a proof is
of no use for another answer, or for another installation.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stepline.core.executions.digests import DIGEST_CHARACTERS

ANSWER_FUNCTIONS: Final = {
    "-deploy-approvals": "-answer-approval",
    "-wave-approvals": "-answer-wave-approval",
}
"""The name of a table of requests after that of its installation, and that of the function that answers."""

ASKING_STATES: Final = frozenset({"Ask For Approval", "Ask For Wave Approval", "Deploy Target"})
"""The states that may wait for an approval; the last one runs a deployment, which has the state itself."""

REQUEST_ID: Final = re.compile(rf"[0-9a-f]{{{DIGEST_CHARACTERS}}}-[0-9]{{1,3}}")
"""The id of a request, which people type: a digest of the execution, and its attempt or wave."""

WAITING_INDEX: Final = "waiting"
"""The index of the requests that wait. It contains their ids and `request`, and no task tokens."""

REQUEST_ATTRIBUTE: Final = "request"
"""The description of the request, JSON."""

NOBODY_CAN_APPROVE: Final = (
    "It is unknown who that is, so nobody can approve it: reject it, and start the pipeline with "
    "StartPipelineExecution."
)
"""Of a request that must not be approved by its requester, if that is unknown, as after a push."""

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

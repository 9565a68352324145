"""People who answer requests for approval: they read the message, and invoke the function."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from stepline.core.approvals import ANSWER_HEADER
from stepline.localaws.clock import VirtualClock
from tests.fakes.notifications import FakeSns
from tests.fakes.sts import FakeSts

ANSWER_FUNCTION = "AnswerApproval"
PROOF = {
    "authorization": f"AWS4-HMAC-SHA256 Credential=MARY/x/sts, SignedHeaders={ANSWER_HEADER}, Signature=s",
    "date": "20260101T000000Z",
    "securityToken": "APPROVER-SESSION-TOKEN",
}
"""The fake STS verifies no signature."""

_ID = re.compile(r"stepline approve (\S+)")
_FINAL = frozenset({"ApprovalRefusedError", "PermissionDeniedError"})
_AGAIN_SECONDS = 120
_MAX_REPEATS = 8


class Functions(Protocol):
    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any: ...


@dataclass
class Approvers:
    """`answers`: [{"after": seconds, "decision", "by"?: ARN, "reason"?, "once"?: true}] to each message.

    `accepted` are the statuses by request; `results` are the statuses and errors that the function has
    returned. An answer that could not be given because of AWS is repeated. `once`: only to the first message.
    """

    clock: VirtualClock
    sts: FakeSts
    functions: Functions
    answers: Sequence[Mapping[str, Any]] = ()
    results: list[str] = field(default_factory=list)
    accepted: dict[str, set[str]] = field(default_factory=dict)
    _messages: int = 0

    @property
    def disagree(self) -> bool:
        return len({answer["decision"] for answer in self.answers}) > 1

    def attach(self, sns: FakeSns) -> None:
        sns.on_message = self._read

    def _read(self, message: Mapping[str, Any]) -> None:
        match = _ID.search(message["Message"])
        if match is None:
            return
        self._messages += 1
        for answer in self.answers:
            if answer.get("once") and self._messages > 1:
                continue
            give = functools.partial(self._give, match[1], answer)
            self.clock.call_later(answer["after"], give)

    def _give(self, approval_id: str, answer: Mapping[str, Any], repeats: int = 0) -> None:
        if "by" in answer:
            self.sts.caller = answer["by"]
        event = {
            "id": approval_id,
            "decision": answer["decision"],
            "reason": answer.get("reason", ""),
            "proof": PROOF,
        }
        failure = self._invoke(event)
        if failure and repeats < _MAX_REPEATS:
            again = functools.partial(self._give, approval_id, answer, repeats + 1)
            self.clock.call_later(_AGAIN_SECONDS, again)

    def _invoke(self, event: Mapping[str, Any]) -> bool:
        """Return whether the answer was neither accepted nor refused."""
        response = self.functions.invoke(FunctionName=ANSWER_FUNCTION, Payload=json.dumps(event).encode())
        result = json.loads(response["Payload"].read())
        if "FunctionError" not in response:
            self.results.append(result["status"])
            self.accepted.setdefault(event["id"], set()).add(result["status"])
            return False
        self.results.append(f"{result.get('errorType')}: {result.get('errorMessage')}")
        return result.get("errorType") not in _FINAL

"""Finds out who answers a request for approval: STS returns who signed the proof.

`stepline.core.approvals` describes the proof.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import ClientError

from statemachines.approvals.errors import ApprovalRefusedError
from statemachines.approvals.limits import MAX_PROOF_CHARACTERS
from stepline.core.approvals import ANSWER_HEADER, ApprovalAnswer
from stepline.core.aws_errors import error_code, is_transient
from stepline.core.fields import Fields

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

_SIGNED_HEADERS: Final = re.compile(r"SignedHeaders=([a-z0-9;-]+)")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]+")
_EVENT: Final = "before-call.sts.GetCallerIdentity"
_HANDLER_ID: Final = "stepline-proof"


@dataclass(frozen=True)
class Proof:
    """The headers of a signed request for sts:GetCallerIdentity, which can ask STS for its signer."""

    authorization: str = field(repr=False)
    date: str
    security_token: str = field(default="", repr=False)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        fields.allow_only(("authorization", "date", "securityToken"))
        return cls(
            authorization=_header(fields, "authorization", fields.text("authorization")),
            date=_header(fields, "date", fields.text("date")),
            security_token=_header(fields, "securityToken", fields.text_or_empty("securityToken")),
        )

    @property
    def signed_headers(self) -> frozenset[str]:
        match = _SIGNED_HEADERS.search(self.authorization)
        return frozenset(match[1].split(";")) if match else frozenset()

    def headers(self, answer: ApprovalAnswer) -> dict[str, str]:
        """Return the headers to send. The signature is valid only if the approver signed this answer."""
        headers = {"Authorization": self.authorization, "X-Amz-Date": self.date, ANSWER_HEADER: answer.digest}
        return headers | ({"X-Amz-Security-Token": self.security_token} if self.security_token else {})


def identify(sts: STSClient, proof: Proof, answer: ApprovalAnswer) -> str:
    """Return the ARN of the caller who signed the answer. Raise `ApprovalRefusedError` if AWS knows none.

    STS's own message is not shown: it can quote what was signed.
    """
    if ANSWER_HEADER not in proof.signed_headers:
        raise ApprovalRefusedError(f"The proof of identity does not sign the header {ANSWER_HEADER}.")
    headers = proof.headers(answer)

    def send_headers(params: dict[str, Any], **_rest: object) -> None:
        params["headers"].update(headers)

    sts.meta.events.register_first(_EVENT, send_headers, unique_id=_HANDLER_ID)
    try:
        return sts.get_caller_identity()["Arn"]
    except ClientError as error:
        if is_transient(error):
            raise
        raise ApprovalRefusedError(
            f"AWS did not confirm who you are (GetCallerIdentity: {error_code(error)}). "
            "Check that your credentials are valid and that your clock is right, and try again."
        ) from None
    finally:
        sts.meta.events.unregister(_EVENT, unique_id=_HANDLER_ID)


def _header(fields: Fields, name: str, text: str) -> str:
    if text and (len(text) > MAX_PROOF_CHARACTERS or not _HEADER_VALUE.fullmatch(text)):
        raise fields.problem(name, f"must be ASCII text of at most {MAX_PROOF_CHARACTERS} characters")
    return text

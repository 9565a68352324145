"""Who calls, and whom a policy's Principal means.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ACCOUNT = re.compile(r"\d{12}|arn:[^:]+:iam::\d{12}:root")


@dataclass(frozen=True)
class Caller:
    """A session of a role, an account, or an AWS service by itself (`service`), which is no IAM principal.

    `session_policies` are the documents that AssumeRole was given: the session may do no more than both say.
    """

    arn: str
    account_id: str
    role_name: str = ""
    role_arn: str = ""
    session_policies: tuple[str, ...] = ()
    service: str = ""

    @property
    def is_account(self) -> bool:
        """The account itself, whose IAM policies allow everything: its root user, or a developer here."""
        return self.arn.endswith(":root")


@dataclass(frozen=True)
class PrincipalElement:
    """`Principal` of a statement: `"*"` means everybody."""

    aws: tuple[str, ...]
    services: tuple[str, ...]

    @classmethod
    def parse(cls, value: str | Mapping[str, Any]) -> PrincipalElement:
        if isinstance(value, str):
            return cls(aws=(value,), services=())
        return cls(aws=_texts(value.get("AWS")), services=_texts(value.get("Service")))

    def names(self, caller: Caller) -> bool:
        """Whether the caller itself is meant, or everybody; a role means its sessions."""
        if caller.service:
            return caller.service in self.services or "*" in self.aws
        if caller.is_account:
            return "*" in self.aws or self.names_account(caller)
        return bool({"*", caller.arn, caller.role_arn} & set(self.aws))

    def names_session(self, caller: Caller) -> bool:
        return caller.arn in self.aws

    def names_account(self, caller: Caller) -> bool:
        """Whether the caller's account is meant, whose own IAM policies then decide."""
        return any(_ACCOUNT.fullmatch(text) and caller.account_id in text for text in self.aws)


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (str(value),)

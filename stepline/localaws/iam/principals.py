"""Callers, and the Principal element of policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepline.localaws.iam.patterns import as_list

_REGIONAL_SERVICE = re.compile(
    r"(?P<service>[a-z0-9-]+)\.[a-z]{2}(?:-[a-z]+)+-\d(?P<suffix>\.amazonaws\.com)"
)
_ACCOUNT = re.compile(r"\d{12}|arn:[^:]+:iam::\d{12}:root")


@dataclass(frozen=True)
class Caller:
    """A role session, an account, or an AWS service by itself (`service`), which is no IAM principal.

    `session_policies` are the documents passed to AssumeRole, which limit what the role's policies allow, and
    `session_tags` the names and values of its tags.
    """

    arn: str
    account_id: str
    role_name: str = ""
    role_arn: str = ""
    session_policies: tuple[str, ...] = ()
    service: str = ""
    session_tags: tuple[tuple[str, str], ...] = ()

    @property
    def is_account(self) -> bool:
        """Whether it is the account itself (its root user, locally the developer), which is unrestricted."""
        return self.arn.endswith(":root")


@dataclass(frozen=True)
class PrincipalElement:
    """`Principal` of a statement: `"*"` means everyone."""

    aws: tuple[str, ...]
    services: tuple[str, ...]

    @classmethod
    def parse(cls, value: str | Mapping[str, Any]) -> PrincipalElement:
        if isinstance(value, str):
            return cls(aws=(value,), services=())
        return cls(aws=tuple(as_list(value.get("AWS"))), services=tuple(as_list(value.get("Service"))))

    def names(self, caller: Caller) -> bool:
        """Whether it names the caller, its role, or everyone."""
        if caller.service:
            return caller.service in map(_without_region, self.services) or "*" in self.aws
        if caller.is_account:
            return "*" in self.aws or self.names_account(caller)
        return bool({"*", caller.arn, caller.role_arn} & set(self.aws))

    def names_session(self, caller: Caller) -> bool:
        return caller.arn in self.aws

    def names_account(self, caller: Caller) -> bool:
        """Whether it names the caller's account, whose IAM policies then decide."""
        return any(_ACCOUNT.fullmatch(text) and caller.account_id in text for text in self.aws)


def _without_region(service: str) -> str:
    """Return the principal of a service in all regions: `states.eu-west-1.amazonaws.com` names it, too."""
    match = _REGIONAL_SERVICE.fullmatch(service)
    return match["service"] + match["suffix"] if match else service

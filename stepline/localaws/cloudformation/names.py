"""ARNs of the resources that stacks change, and names of macros, nested stacks and change sets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Final

_MAX_NAME_CHARACTERS: Final = 128
HOSTED_PREFIX: Final = "AWS::"
"""Of the names of transforms that CloudFormation hosts."""


def is_hosted(macro: str) -> bool:
    return macro.startswith(HOSTED_PREFIX)


@dataclass(frozen=True)
class Arns:
    """The ARNs of one account and region."""

    account_id: str
    region: str

    def of(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def without_region(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}::{self.account_id}:{resource}"

    def transform(self, macro: str) -> str:
        """Return the resource of `cloudformation:CreateChangeSet` that using a macro requires.

        CloudFormation's own transforms belong to the account "aws" and lose their prefix:
        `transform/Serverless-2016-10-31` [user reports].
        """
        if is_hosted(macro):
            owner = replace(self, account_id="aws")
            return owner.of("cloudformation", f"transform/{macro.removeprefix(HOSTED_PREFIX)}")
        return self.of("cloudformation", f"transform/{macro}")

    def transform_id(self, macro: str) -> str:
        """Return the macro's name in its event and in error messages."""
        return f"{self.account_id}::{macro}"


def generated_name(parent_name: str, logical_id: str) -> str:
    """Return the name of a nested stack or change set: `<parent>-<logical id>-1A2B3C4D5E6F7`."""
    suffix = f"-{secrets.token_hex(7)[:13].upper()}"
    return f"{parent_name}-{logical_id}"[: _MAX_NAME_CHARACTERS - len(suffix)] + suffix

"""ARNs of the resources that stacks change, and names of macros."""

from __future__ import annotations

from dataclasses import dataclass


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
        """Return the resource of `cloudformation:CreateChangeSet` that using a macro requires."""
        return self.of("cloudformation", f"transform/{macro}")

    def transform_id(self, macro: str) -> str:
        """Return the macro's name in its event and in error messages."""
        return f"{self.account_id}::{macro}"

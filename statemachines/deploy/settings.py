"""The functions' settings: environment variables, checked when a function starts.

POLL_SECONDS             seconds between two looks at a stack or change set, 1 to 300
MAX_WAIT_MINUTES         minutes that one wait may take, 1 to 480; 120 if not set
TEMPLATE_BUCKET          where templates too large for a request are put for the time of the call
CLOUDFORMATION_ROLE_ARN  role that CloudFormation deploys with; if not set, it uses the caller's rights
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from statemachines.deploy.limits import DEFAULT_MAX_WAIT_MINUTES, MAX_MAX_WAIT_MINUTES, MAX_POLL_SECONDS
from stepline.core.environment import number, required


@dataclass(frozen=True)
class WaitSettings:
    """How the wait loops go: looks `poll_seconds` apart at first, for `max_wait_minutes` at most."""

    poll_seconds: int
    max_wait_minutes: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises `SettingsError`, naming the variable."""
        return cls(
            poll_seconds=number(environment, "POLL_SECONDS", MAX_POLL_SECONDS),
            max_wait_minutes=number(
                environment, "MAX_WAIT_MINUTES", MAX_MAX_WAIT_MINUTES, default=DEFAULT_MAX_WAIT_MINUTES
            ),
        )


@dataclass(frozen=True)
class StackSettings:
    """What the tasks need that hand a template to CloudFormation."""

    template_bucket: str
    role_arn: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises `SettingsError`, naming the variable."""
        bucket = required(environment, "TEMPLATE_BUCKET")
        return cls(template_bucket=bucket, role_arn=_role_arn(environment))


@functools.cache
def wait_settings() -> WaitSettings:
    return WaitSettings.read(os.environ)


@functools.cache
def stack_settings() -> StackSettings:
    return StackSettings.read(os.environ)


@functools.cache
def default_role_arn() -> str:
    """Empty if the functions shall leave the choice to CloudFormation."""
    return _role_arn(os.environ)


def _role_arn(environment: Mapping[str, str]) -> str:
    return environment.get("CLOUDFORMATION_ROLE_ARN", "").strip()

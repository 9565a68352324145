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

from pipeline.errors import quoted
from statemachines.deploy.errors import SettingsError
from statemachines.deploy.limits import (
    DEFAULT_MAX_WAIT_MINUTES,
    MAX_MAX_WAIT_MINUTES,
    MAX_POLL_SECONDS,
)


@dataclass(frozen=True)
class WaitSettings:
    """How the wait loops go: looks `poll_seconds` apart at first, for `max_wait_minutes` at most."""

    poll_seconds: int
    max_wait_minutes: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises `SettingsError`, naming the variable."""
        return cls(
            poll_seconds=_number(environment, "POLL_SECONDS", None, MAX_POLL_SECONDS),
            max_wait_minutes=_number(
                environment, "MAX_WAIT_MINUTES", DEFAULT_MAX_WAIT_MINUTES, MAX_MAX_WAIT_MINUTES
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
        bucket = environment.get("TEMPLATE_BUCKET", "").strip()
        if not bucket:
            raise SettingsError("The environment variable TEMPLATE_BUCKET is not set.")
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


def _number(environment: Mapping[str, str], name: str, default: int | None, maximum: int) -> int:
    text = environment.get(name, "").strip()
    if not text and default is not None:
        return default
    if not text:
        raise SettingsError(f"The environment variable {name} is not set.")
    if not text.isdecimal() or not 1 <= int(text[:9]) <= maximum:
        raise SettingsError(
            f"The environment variable {name} must be a whole number from 1 to {maximum}, "
            f"but it is {quoted(text)}."
        )
    return int(text)

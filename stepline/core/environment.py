"""Reads environment variables of Lambda functions. All raise `SettingsError`, naming the variable."""

from __future__ import annotations

import os
from collections.abc import Mapping

from stepline.core.errors import SettingsError
from stepline.core.executions.arns import MachineArn
from stepline.core.text import quoted

_BOOLEANS = {"true": True, "false": False}


def required(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the variable's text, which must not be blank."""
    value = optional(name, environment)
    if not value:
        raise SettingsError(f"The function's environment variable {name} is not set.")
    return value


def optional(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the variable's text, empty if it is not set."""
    return environment.get(name, "").strip()


def texts(name: str, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the texts, separated by commas; none if the variable is not set."""
    parts = (part.strip() for part in optional(name, environment).split(","))
    return tuple(part for part in parts if part)


def number(
    name: str, maximum: int, environment: Mapping[str, str] = os.environ, *, default: int | None = None
) -> int:
    """Return a whole number from 1 to `maximum`. Without a default it must be set."""
    if default is not None and not optional(name, environment):
        return default
    text = required(name, environment)
    if not text.isdecimal() or not 1 <= int(text[:9]) <= maximum:
        raise _wrong(name, f"a whole number from 1 to {maximum}", text)
    return int(text)


def boolean(name: str, environment: Mapping[str, str] = os.environ, *, default: bool) -> bool:
    """Return true or false."""
    text = optional(name, environment)
    try:
        return _BOOLEANS[text.lower()] if text else default
    except KeyError:
        raise _wrong(name, "true or false", text) from None


def machine(name: str, environment: Mapping[str, str] = os.environ) -> MachineArn:
    """Return the ARN of a state machine."""
    return _machine(name, required(name, environment))


def machines(name: str, environment: Mapping[str, str] = os.environ) -> tuple[MachineArn, ...]:
    """Return the ARNs of state machines, separated by commas; none if the variable is not set."""
    return tuple(_machine(name, text) for text in texts(name, environment))


def _machine(name: str, text: str) -> MachineArn:
    arn = MachineArn.parse(text)
    if arn is None:
        raise _wrong(name, "the ARN of a state machine", text)
    return arn


def _wrong(name: str, rule: str, text: str) -> SettingsError:
    return SettingsError(
        f"The function's environment variable {name} must be {rule}, but it is {quoted(text)}."
    )

"""Settings of functions: environment variables, read when a function starts. All raise `SettingsError`."""

from __future__ import annotations

from collections.abc import Mapping

from stepline.core.errors import SettingsError
from stepline.core.executions.arns import MachineArn
from stepline.core.text import quoted


def required(environment: Mapping[str, str], name: str) -> str:
    """The text of the variable, which must not be blank."""
    text = environment.get(name, "").strip()
    if not text:
        raise SettingsError(f"The environment variable {name} is not set.")
    return text


def number(environment: Mapping[str, str], name: str, maximum: int, *, default: int | None = None) -> int:
    """A whole number from 1 to `maximum`; without a default it must be set."""
    if default is not None and not environment.get(name, "").strip():
        return default
    text = required(environment, name)
    if not text.isdecimal() or not 1 <= int(text[:9]) <= maximum:
        raise SettingsError(
            f"The environment variable {name} must be a whole number from 1 to {maximum}, "
            f"but it is {quoted(text)}."
        )
    return int(text)


def machine(environment: Mapping[str, str], name: str) -> MachineArn:
    """The state machine whose ARN the variable holds."""
    text = required(environment, name)
    arn = MachineArn.parse(text)
    if arn is None:
        raise SettingsError(
            f"The environment variable {name} must be the ARN of a state machine, but it is {quoted(text)}."
        )
    return arn

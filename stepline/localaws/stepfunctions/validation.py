"""What requests to Step Functions must satisfy beyond the service model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sized
from typing import Any

from stepline.core.limits import MAX_EXECUTION_NAME_CHARACTERS, MAX_INPUT_BYTES
from stepline.localaws.protocol import Params, ValidationException
from stepline.localaws.stepfunctions import errors, json_texts
from stepline.localaws.stepfunctions.settings import MAX_TAGS

_FORBIDDEN = re.compile(r"""[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]""")
"""White space, brackets, wildcards, special and control characters [StartExecution, `name`]."""


_LOG_GROUP = re.compile(r"arn:[^:]+:logs:[^:]+:\d{12}:log-group:([^:]+):\*")


def check_name(name: str) -> str:
    """Return the name of a state machine or execution. Raises InvalidName."""
    if not 1 <= len(name) <= MAX_EXECUTION_NAME_CHARACTERS or _FORBIDDEN.search(name):
        raise errors.InvalidName(name)
    return name


def check_arn(arn: str, resource_type: str) -> str:
    """Return the ARN of a resource of that type. Raises InvalidArn."""
    parts = arn.split(":", 6)
    if parts[0] != "arn" or len(parts) < 7:
        raise errors.InvalidArn(f"Invalid ARN prefix: {arn}")
    if parts[2] != "states":
        raise errors.InvalidArn(f"Invalid ARN service: {parts[2]}")
    if parts[5] != resource_type:
        raise errors.InvalidArn(f"Resource type not valid in this context: {parts[5]}")
    return arn


def check_input(text: str) -> str:
    """Return the input of an execution. Raises InvalidExecutionInput."""
    if reason := _data_error("Input", text):
        raise errors.InvalidExecutionInput(reason)
    return text


def check_output(text: str) -> str:
    """Return the output of a task. Raises InvalidOutput."""
    if reason := _data_error("Output", text):
        raise errors.InvalidOutput(reason)
    return text


def check_version_description(params: Params) -> None:
    """Raise ValidationException for the description of a version that is not published [recorded]."""
    if "versionDescription" in params and not params.get("publish"):
        raise ValidationException("Version description can only be set when publish is true")


def _data_error(noun: str, text: str) -> str | None:
    if len(text.encode()) > MAX_INPUT_BYTES:
        return f"{noun} size exceeds {MAX_INPUT_BYTES} bytes"
    try:
        json_texts.parse(text)
    except json_texts.JsonTextError as error:
        return str(error)
    return None


def check_role(arn: str) -> str:
    """Return the ARN of a role. Raises InvalidArn."""
    if not arn.startswith("arn:"):
        raise errors.InvalidArn(f"Invalid ARN prefix: {arn}")
    if arn.split(":")[2:3] != ["iam"]:
        raise errors.InvalidArn(f"Invalid ARN service: {arn}")
    return arn


def check_tags(tags: Sized) -> None:
    """Raise TooManyTags for more than 50 tags."""
    if len(tags) > MAX_TAGS:
        raise errors.TooManyTags


def check_logging(configuration: Mapping[str, Any]) -> None:
    """Raise InvalidLoggingConfiguration if a log has no destination."""
    if configuration.get("level", "OFF") == "OFF" and not configuration.get("destinations"):
        return
    if len(configuration.get("destinations", [])) != 1:
        raise errors.InvalidLoggingConfiguration("Must specify exactly one Log Destination.")
    log_group_name(configuration)


def log_group_name(configuration: Mapping[str, Any]) -> str | None:
    """Return the log group of a logging configuration, None if it logs nothing.

    Raises InvalidLoggingConfiguration if the destination is no log group.
    """
    if configuration.get("level", "OFF") == "OFF" and not configuration.get("destinations"):
        return None
    destinations = configuration.get("destinations") or [{}]
    arn = (destinations[0].get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", "")
    if not (found := _LOG_GROUP.fullmatch(arn)):
        raise errors.InvalidLoggingConfiguration(f"Invalid Log Destination: {arn}")
    return found[1]

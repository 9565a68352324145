"""The starter's settings: environment variables, checked when the function starts.

STATE_MACHINE_ARN   the state machine, or a version or alias of it, that a written object starts
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping

from pipeline.errors import quoted
from pipeline.executions.arns import MachineArn
from statemachines.environment import required
from statemachines.errors import SettingsError

_MACHINE = "STATE_MACHINE_ARN"


def read_machine(environment: Mapping[str, str]) -> MachineArn:
    """Raises `SettingsError`, naming the variable."""
    text = required(environment, _MACHINE)
    arn = MachineArn.parse(text)
    if arn is None:
        raise SettingsError(
            f"The environment variable {_MACHINE} must be the ARN of a state machine,"
            f" but it is {quoted(text)}."
        )
    return arn


@functools.cache
def machine() -> MachineArn:
    return read_machine(os.environ)

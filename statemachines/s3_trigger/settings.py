"""The starter's settings: environment variables, checked when the function starts.

STATE_MACHINE_ARN   the state machine, or a version or alias of it, that a written object starts
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

from stepline.core import environment

if TYPE_CHECKING:
    from stepline.core.executions.arns import MachineArn


@functools.cache
def machine() -> MachineArn:
    """Raises `SettingsError`, naming the variable."""
    return environment.machine(os.environ, "STATE_MACHINE_ARN")

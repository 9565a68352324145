"""The functions' settings: environment variables, checked when a function starts. All raise `SettingsError`.

DATA_BUCKET                    where the transactions' data are
STATE_MACHINE_ARN              the process
DOWNSTREAM_STATE_MACHINE_ARN   what its last step starts
"""

from __future__ import annotations

import functools
import os

from stepline.core.environment import machine, required
from stepline.core.executions.arns import MachineArn


@functools.cache
def data_bucket() -> str:
    return required(os.environ, "DATA_BUCKET")


@functools.cache
def process_machine() -> MachineArn:
    return machine(os.environ, "STATE_MACHINE_ARN")


@functools.cache
def downstream_machine() -> MachineArn:
    return machine(os.environ, "DOWNSTREAM_STATE_MACHINE_ARN")

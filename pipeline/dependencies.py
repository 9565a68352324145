"""Settings, clients and clock, which all jobs of one Lambda container share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.clients import Clients
from pipeline.settings import Settings
from stepline.core.executions.arns import MachineArn
from stepline.core.executions.machines import is_express

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

Clock = Callable[[], float]
"""Returns seconds since 1970."""

Sleep = Callable[[float], object]
"""Waits for so many seconds."""

RemainingSeconds = Callable[[], float]
"""Returns the time left until Lambda stops the invocation."""


def remaining_seconds(context: LambdaContext) -> RemainingSeconds:
    return lambda: context.get_remaining_time_in_millis() / 1000


@dataclass(frozen=True)
class Dependencies:
    settings: Settings
    clients: Clients
    clock: Clock = time.time
    sleep: Sleep = time.sleep
    _is_express: dict[str, bool] = field(default_factory=dict, init=False, repr=False)

    def is_express(self, machine: MachineArn) -> bool:
        """Return whether a state machine is Express. It is described once per container.

        Raise `TransientAwsError`, `PermissionDeniedError` or `ConfigurationError`.
        """
        if machine.base not in self._is_express:
            self._is_express[machine.base] = is_express(self.clients.stepfunctions, machine)
        return self._is_express[machine.base]

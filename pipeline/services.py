"""What a job is worked on with: settings, clients and clock, made once per container."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.aws_errors import AWS_FAILURES
from pipeline.clients import Clients
from pipeline.executions.arns import MachineArn
from pipeline.failed_calls import failed_call
from pipeline.settings import Settings

Clock = Callable[[], float]
"""Seconds since 1970."""


@dataclass(frozen=True)
class Services:
    settings: Settings
    clients: Clients
    clock: Clock = time.time
    _is_express: dict[str, bool] = field(default_factory=dict, init=False, repr=False)

    def is_express(self, machine: MachineArn) -> bool:
        """Asked once per machine and container: a machine's type never changes.

        Raises `TransientError`, `AccessDeniedError` or `ConfigurationError`.
        """
        if machine.base not in self._is_express:
            try:
                answer = self.clients.stepfunctions.describe_state_machine(
                    stateMachineArn=machine.base, includedData="METADATA_ONLY"
                )
            except AWS_FAILURES as error:
                raise failed_call("states:DescribeStateMachine", machine.base, error) from error
            self._is_express[machine.base] = answer["type"] == "EXPRESS"
        return self._is_express[machine.base]

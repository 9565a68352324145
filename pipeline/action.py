"""One action of a pipeline, as the job at hand finds it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.continuation import Continuation
from pipeline.job import Job
from pipeline.services import Services
from pipeline.user_parameters import UserParameters
from stepline.core.executions.arns import ExecutionArn, MachineArn


@dataclass(frozen=True)
class Action:
    """`now` is in seconds since 1970; `remaining_seconds` is what the invocation has left."""

    job: Job
    parameters: UserParameters
    continuation: Continuation
    services: Services
    now: int
    remaining_seconds: float

    @property
    def machine(self) -> MachineArn:
        """Raises `UserParametersError` if it may not be started."""
        return self.services.settings.machine(self.parameters.state_machine)

    @property
    def is_late(self) -> bool:
        return self.continuation.is_late(self.parameters.timeout_minutes, self.now)

    @property
    def may_give_up(self) -> bool:
        return self.continuation.may_give_up(self.parameters.timeout_minutes, self.now)

    def started(self, execution: ExecutionArn) -> Continuation:
        return self.continuation.with_execution(execution, self.now)

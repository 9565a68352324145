"""The action that a job belongs to: its parameters and its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.action_parameters import ActionParameters
from pipeline.continuation import Continuation
from pipeline.dependencies import Dependencies
from pipeline.job_event import Job
from pipeline.limits import GIVE_UP_SECONDS
from stepline.core.executions.arns import MachineArn

if TYPE_CHECKING:
    from stepline.core.large_data import LargeDataStore


@dataclass(frozen=True)
class Action:
    """One run of an action, during one of its jobs.

    `now` is in seconds since 1970; `remaining_seconds` is the time left until Lambda stops the invocation.
    """

    job: Job
    parameters: ActionParameters
    continuation: Continuation
    dependencies: Dependencies
    now: int
    remaining_seconds: float

    @property
    def machine(self) -> MachineArn:
        """The state machine to start. Raises `ActionParametersError` if that is not allowed."""
        return self.dependencies.settings.machine(self.parameters.state_machine)

    @property
    def large_data(self) -> LargeDataStore | None:
        """The bucket for inputs and outputs above 256 KB, if there is one."""
        bucket = self.dependencies.settings.large_data_bucket
        if bucket is None:
            return None
        from stepline.core.large_data import LargeDataStore  # noqa: PLC0415 - only if there is a bucket

        return LargeDataStore(self.dependencies.clients.s3, bucket)

    @property
    def timeout_passed(self) -> bool:
        """Whether `timeoutMinutes` have passed since the first job."""
        return self.now >= self.continuation.deadline(self.parameters.timeout_minutes)

    @property
    def may_give_up(self) -> bool:
        """Whether the timeout has passed so long ago that the job ends although AWS cannot be reached."""
        deadline = self.continuation.deadline(self.parameters.timeout_minutes)
        return self.now >= deadline + (0 if self.continuation.execution is None else GIVE_UP_SECONDS)

"""The approval after a wave, without which the next wave does not begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from statemachines.rollout.results import Rollout
from stepline.core.executions.digests import execution_digest
from stepline.core.fields import Fields

WAVE_APPROVAL = "waveApproval"
"""The member of the input and of its waves."""


@dataclass(frozen=True)
class FinishedWave:
    """A wave after which people are asked, and the execution that asks."""

    execution_arn: str
    start_time: str
    rollout: Rollout

    @classmethod
    def parse(cls, event: Fields) -> Self:
        """Parse `{"execution": {"id", "startTime"}, "plan", "progress"}`."""
        execution = event.section("execution")
        return cls(execution.text("id"), execution.text("startTime"), Rollout.parse(event))

    @property
    def approval_id(self) -> str:
        """The id of the request, which people type: 12 hexadecimal digits and the number of the wave."""
        return f"{execution_digest(self.execution_arn, self.start_time)}-{self.rollout.wave + 1}"

    @property
    def results(self) -> list[Any]:
        """What happened to the targets of the wave: `{"name", "status", "reason"?, …}`."""
        names = {target["name"] for target in self.rollout.waves[self.rollout.wave]["targets"]}
        return [item for item in self.rollout.results if item["name"] in names]

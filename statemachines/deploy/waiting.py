"""Wait loops that end. How long a loop has waited is part of the execution's data: no clock is read.

A loop in `deploy.asl.json` consists of Wait, Task and Choice. The task returns the length of the next Wait. A
task that is run again by a Retry counts the same Wait once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from statemachines.deploy.errors import WaitTimedOutError
from statemachines.deploy.limits import MAX_GROWN_WAIT_SECONDS, WAIT_GROWTH_DIVISOR
from statemachines.deploy.settings import WaitSettings
from stepline.core.fields import Fields, JsonObject


@dataclass(frozen=True)
class WaitProgress:
    """How long a loop has waited, and the length of the next Wait."""

    waited_seconds: int
    wait_seconds: int

    @classmethod
    def start(cls, settings: WaitSettings) -> Self:
        return cls(waited_seconds=0, wait_seconds=settings.poll_seconds)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        return cls(waited_seconds=fields.count("waitedSeconds"), wait_seconds=fields.count("waitSeconds"))

    def next(self, settings: WaitSettings, *, waiting_for: str) -> WaitProgress:
        """Return the progress after the Wait. Raise `WaitTimedOutError` if it was the last one."""
        waited = self.waited_seconds + self.wait_seconds
        if waited >= settings.max_wait_minutes * 60:
            raise WaitTimedOutError(
                f"Waited {settings.max_wait_minutes} minutes for {waiting_for}, and it is not complete. "
                "To wait longer, change the setting MAX_WAIT_MINUTES."
            )
        grown = min(waited // WAIT_GROWTH_DIVISOR, MAX_GROWN_WAIT_SECONDS)
        return WaitProgress(waited_seconds=waited, wait_seconds=max(settings.poll_seconds, grown))

    def to_json(self) -> JsonObject:
        return {"waitedSeconds": self.waited_seconds, "waitSeconds": self.wait_seconds}

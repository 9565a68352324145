"""Wait loops with an end. How long a loop has waited travels in the state, not in a clock.

A loop in `deploy.asl.json` is Wait, Task, Choice. The task answers how long the next Wait
takes; a task that is run again by a Retry counts the same wait once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from statemachines.deploy.errors import WaitTimedOutError
from statemachines.deploy.limits import MAX_GROWN_WAIT_SECONDS, WAIT_GROWTH_DIVISOR
from statemachines.deploy.settings import WaitSettings
from statemachines.fields import Fields, JsonObject


@dataclass(frozen=True)
class Progress:
    """`waited_seconds` so far, and the `wait_seconds` that come next."""

    waited_seconds: int
    wait_seconds: int

    @classmethod
    def start(cls, settings: WaitSettings) -> Self:
        return cls(waited_seconds=0, wait_seconds=settings.poll_seconds)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        return cls(waited_seconds=fields.count("waitedSeconds"), wait_seconds=fields.count("waitSeconds"))

    def again(self, settings: WaitSettings, *, waiting_for: str) -> Progress:
        """The loop's next round. Raises `WaitTimedOutError` when it has waited long enough."""
        waited = self.waited_seconds + self.wait_seconds
        if waited >= settings.max_wait_minutes * 60:
            raise WaitTimedOutError(
                f"Waited {settings.max_wait_minutes} minutes for {waiting_for}, and that is not done. "
                "Waiting longer is a setting (MAX_WAIT_MINUTES)."
            )
        grown = min(waited // WAIT_GROWTH_DIVISOR, MAX_GROWN_WAIT_SECONDS)
        return Progress(waited_seconds=waited, wait_seconds=max(settings.poll_seconds, grown))

    def to_json(self) -> JsonObject:
        return {"waitedSeconds": self.waited_seconds, "waitSeconds": self.wait_seconds}

"""What happened to the targets of a rollout, and the texts that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from statemachines.rollout.limits import MAX_LISTING_CHARACTERS
from stepline.core.fields import Fields
from stepline.core.text import joined, quoted


@dataclass(frozen=True)
class Rollout:
    """The data of the state machine. `wave` is the index of the current wave."""

    waves: Sequence[Any]
    wave: int
    results: Sequence[Any]
    approvals: Sequence[Any] = ()

    @classmethod
    def parse(cls, event: Fields) -> Self:
        progress = event.section("progress")
        return cls(
            event.section("plan").value("waves"),
            progress.count("wave"),
            progress.value("results"),
            progress.value("approvals"),
        )

    @property
    def total(self) -> int:
        return sum(len(wave["targets"]) for wave in self.waves)

    @property
    def is_last(self) -> bool:
        return self.wave + 1 == len(self.waves)

    @property
    def name(self) -> str:
        """`wave 2 (50%) of 3`."""
        return self._name_of(self.wave)

    @property
    def next_name(self) -> str:
        return self._name_of(self.wave + 1)

    def describe(self) -> str:
        """Return the targets that failed with their reasons, that succeeded, and that were not started."""
        failed = [f"{quoted(item['name'])} ({item['reason']})" for item in self._with_status("failed")]
        succeeded = [quoted(item["name"]) for item in self._with_status("succeeded")]
        started = {item["name"] for item in self.results}
        waiting = [
            quoted(target["name"])
            for wave in self.waves
            for target in wave["targets"]
            if target["name"] not in started
        ]
        parts = (("Failed", failed), ("Succeeded", succeeded), ("Not started", waiting))
        return " ".join(_listed(label, names) for label, names in parts)

    def summary(self) -> str:
        """Return a line about a rollout that has ended: `Deployed to 12 targets in 3 waves.`"""
        failed = self._with_status("failed")
        count, waves = self.total - len(failed), len(self.waves)
        of = f" of {self.total}" if failed else ""
        text = f"Deployed to {count}{of} target{'s' * (self.total != 1)} in {waves} wave{'s' * (waves != 1)}."
        names = [f"{quoted(item['name'])} ({item['reason']})" for item in failed]
        approved = [_approved(item) for item in self.approvals]
        parts = (("Failed, which was tolerated", names), ("Waves that were approved", approved))
        return " ".join([text, *(_listed(label, items) for label, items in parts if items)])

    def _name_of(self, wave: int) -> str:
        return f"wave {self.waves[wave]['name']} of {len(self.waves)}"

    def _with_status(self, status: str) -> list[Any]:
        return [item for item in self.results if item["status"] == status]


def _approved(approval: Any) -> str:
    reason = f" ({approval['reason']})" if approval["reason"] else ""
    return f"{approval['wave']} by {approval['approvedBy']}{reason}"


def _listed(label: str, names: Sequence[str]) -> str:
    return f"{label}: {joined(names, MAX_LISTING_CHARACTERS) if names else 'none'}."

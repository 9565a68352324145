"""What a way is: one thing that happens from beginning to end, as it goes when nothing fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tests.faults.kinds import Fault, Schedule
from tests.faults.network import Network


class Way(Protocol):
    """`ways.Way` is one of the pipeline, `system.Way` one of any other system."""

    @property
    def name(self) -> str: ...

    def simulation(self, network: Network, schedule: Schedule) -> Any:
        """A `world.World` with a `run()`, everything arranged; `schedule` is of this way."""

    def ending(self, simulation: Any) -> Any:
        """How it all ended, as far as nothing transient may change it: a dataclass of tuples of texts."""

    def violations(self, simulation: Any, expected: Any) -> list[str]:
        """What does not hold, in words; `expected` is the ending when nothing fails."""

    def tell(self, simulation: Any) -> list[str]:
        """What whoever began it was told."""

    def classes(self, function: str) -> Mapping[str, tuple[Fault, ...]]:
        """What may go wrong at a call of the function; empty for the time after the last call."""

    def is_common(self, functions: tuple[str, ...]) -> bool:
        """Whether a beginning of calls by these functions is the same on many ways."""

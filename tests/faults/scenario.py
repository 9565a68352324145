"""The interface of scenarios: courses of a pipeline or another system, as they go when nothing fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tests.faults.network import Network
from tests.faults.schedule import Fault, Schedule
from tests.faults.sites import Site


class Scenario(Protocol):
    """A `PipelineScenario` or a `SystemScenario`."""

    @property
    def name(self) -> str: ...

    def world(self, network: Network, schedule: Schedule) -> Any:
        """Return a `World` in which everything is arranged, so that it can `run()`."""

    def ending(self, world: Any) -> Any:
        """Return how it ended: a dataclass of tuples of texts that no transient fault may change."""

    def violations(self, world: Any, expected: Any) -> list[str]:
        """Return one sentence for each violated invariant; `expected` is the ending when nothing fails."""

    def responses(self, world: Any) -> list[str]:
        """Return the final responses to the client that started it."""

    def fault_classes(self, site: Site | None) -> Mapping[str, tuple[Fault, ...]]:
        """Return what may go wrong at a call; None is the time after the last call."""

    def is_common_start(self, functions: tuple[str, ...]) -> bool:
        """Return whether calls by these functions are the start of many scenarios."""

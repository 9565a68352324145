"""What is gone through to show that a stack's permissions are needed. A system joins with one file.

`tests/iam/ways_<system>.py` (`ways_s3_trigger.py`) is found by its name. It has

LANES      tuples of ways, with the template's default parameters. A way is a function that takes a `System`,
           does something as a user would, and fails with an AssertionError if it did not come out right. It
           leaves nothing behind that disturbs another way, nor itself when it is run again. Lanes run at the
           same time, the ways of one lane one after the other.
VARIANTS   optional: `Variant`s, ways that need other parameters of the template.
SYSTEM     optional: a subclass of `System` that the ways take.

There must be a way for each action of each statement of each role in the system's `template.yaml` (and
`sample.yaml`: `system.sample` is its stack) where nothing else allows a request, and for each resource that a
statement lists. Calls that a role must not be able to make are in `tests/iam/out_of_scope_<system>.json`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.iam.permissions import Permission
from tests.iam.stacks import APPLICATION
from tests.iam.system import System

Way = Callable[[Any], None]
Lane = tuple[Way, ...]


def _nothing(_system: System) -> None:
    pass


@dataclass(frozen=True)
class Variant:
    """Ways for which the stack gets these `parameters`, after `prepare` has made what they name."""

    parameters: Mapping[str, str]
    ways: Lane
    prepare: Callable[[System], None] = field(default=_nothing)

    def deploy(self, system: System) -> None:
        """May be done again."""
        self.prepare(system)
        system.deploy_with(self.parameters)


@dataclass(frozen=True)
class Proof:
    """The ways through one stack, and through that of its sample."""

    stack: str
    lanes: tuple[Lane, ...]
    variants: tuple[Variant, ...]
    system: type[System]

    @property
    def ways(self) -> list[Way]:
        """With the default parameters."""
        return [way for lane in self.lanes for way in lane]


@dataclass
class Seen:
    """Permission -> on how many of its resources it was needed; what was denied."""

    used: dict[Permission, int] = field(default_factory=dict)
    denials: list[str] = field(default_factory=list)

    def look(self, systems: Iterable[System]) -> None:
        """Add what the systems' roles, all of one local AWS, have used since the record began."""
        for system in systems:
            for permission, resources in system.used().items():
                self.used[permission] = max(self.used.get(permission, 0), resources)
            self.denials = list(dict.fromkeys([*self.denials, *system.denials()]))


@functools.cache
def proofs() -> dict[str, Proof]:
    """By the name of the stack."""
    found = [_proof(APPLICATION, "ways")]
    for file in sorted(Path(__file__).parent.glob("ways_*.py")):
        system = file.stem.removeprefix("ways_").replace("_", "-")
        found.append(_proof(f"{APPLICATION}-{system}", file.stem))
    return {proof.stack: proof for proof in found}


def _proof(stack: str, module_name: str) -> Proof:
    module = importlib.import_module(f"tests.iam.{module_name}")
    return Proof(stack, module.LANES, getattr(module, "VARIANTS", ()), getattr(module, "SYSTEM", System))


def go_all_ways(endpoint_url: str, wanted: Sequence[Proof], *, restore: bool = True) -> Seen:
    """What the roles need. The default parameters come first: others widen what a role may do."""
    seen = Seen()
    systems = [proof.system(endpoint_url, proof.stack) for proof in wanted]
    systems[0].forget()
    go((lane, system) for proof, system in zip(wanted, systems, strict=True) for lane in proof.lanes)
    seen.look(systems)
    for proof, system in zip(wanted, systems, strict=True):
        for variant in proof.variants:
            variant.deploy(system)
            system.forget()
            go([(variant.ways, system)])
            seen.look([system])
        if proof.variants and restore:
            system.deploy_with({})
    return seen


def go(lanes: Iterable[tuple[Lane, System]]) -> None:
    """All at the same time. Raises what a way raised."""

    def one(lane: tuple[Lane, System]) -> None:
        ways, system = lane
        for way in ways:
            way(system)

    together = list(lanes)
    with ThreadPoolExecutor(len(together)) as executor:
        list(executor.map(one, together))

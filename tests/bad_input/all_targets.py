"""What every `targets_<system>.py` in this folder adds: groups of the corpus, and targets of the fuzzer."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from types import ModuleType

from tests.bad_input import targets
from tests.bad_input.system_runner import Group
from tests.bad_input.targets import Target


@functools.cache
def _modules() -> tuple[ModuleType, ...]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("targets_*.py"))
    return tuple(importlib.import_module(f"tests.bad_input.{name}") for name in names)


def all_groups() -> dict[str, Group]:
    """Return the groups of the corpus by name: those of the pipeline and of all systems."""
    return {
        **targets.GROUPS,
        **{name: run for module in _modules() for name, run in module.GROUPS.items()},
    }


def all_targets() -> tuple[Target, ...]:
    return (*targets.TARGETS, *(target for module in _modules() for target in module.TARGETS))

"""What every `targets_<system>.py` here brings: groups of the corpus, and targets of the fuzzer."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from types import ModuleType

from tests.bad_input import targets
from tests.bad_input.system_runs import Group
from tests.bad_input.targets import Target


@functools.cache
def _modules() -> tuple[ModuleType, ...]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("targets_*.py"))
    return tuple(importlib.import_module(f"tests.bad_input.{name}") for name in names)


def groups() -> dict[str, Group]:
    """By folder of the corpus."""
    return {folder: run for module in _modules() for folder, run in module.GROUPS.items()}


def all_targets() -> tuple[Target, ...]:
    """The pipeline's, and those of all systems."""
    return (*targets.TARGETS, *(target for module in _modules() for target in module.TARGETS))

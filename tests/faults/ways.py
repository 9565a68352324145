"""All ways: the pipeline's, and those of every `ways_<system>.py` here."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

from tests.faults import pipeline_ways, system
from tests.faults.way import Way


@functools.cache
def ways() -> dict[str, Way]:
    """By name."""
    return {**pipeline_ways.ways(), **of_systems()}


@functools.cache
def of_systems() -> dict[str, system.Way]:
    """By name, which is `<system>/<way>`; `system.py` says how a system joins."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("ways_*.py"))
    found = [way for module in modules for way in importlib.import_module(f"tests.faults.{module}").WAYS]
    return {way.name: way for way in found}


def distinct() -> list[str]:
    """Those that differ by more than their input."""
    return [*pipeline_ways.distinct(), *of_systems()]

"""All scenarios: of the pipeline with both kinds of actions, and of each `scenarios_<system>.py`."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

from tests.faults import custom_action_scenarios, held_jobs_scenarios, pipeline_scenarios
from tests.faults.scenario import Scenario
from tests.faults.system_scenario import SystemScenario


@functools.cache
def scenarios() -> dict[str, Scenario]:
    """Return the scenarios by name."""
    return {
        **pipeline_scenarios.scenarios(),
        **held_jobs_scenarios.scenarios(),
        **custom_action_scenarios.scenarios(),
        **system_scenarios(),
    }


@functools.cache
def system_scenarios() -> dict[str, SystemScenario]:
    """Return the scenarios of the systems by name, which is `<system>/<case>`."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("scenarios_*.py"))
    modules = [importlib.import_module(f"tests.faults.{name}") for name in names]
    return {scenario.name: scenario for module in modules for scenario in module.SCENARIOS}


def distinct() -> list[str]:
    """Return the names of those scenarios that differ in more than their input."""
    return [
        *pipeline_scenarios.distinct(),
        *held_jobs_scenarios.scenarios(),
        *custom_action_scenarios.scenarios(),
        *system_scenarios(),
    ]

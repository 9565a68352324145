"""Started by an S3 upload: events from EventBridge, and inputs of the sample state machine's task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.bad_input.strategies import any_value, mutated
from tests.bad_input.system_runs import Group, Told, invoke, kind
from tests.bad_input.targets import Target
from tests.faults.system import SystemWorld
from tests.faults.ways import of_systems
from tests.statemachines.cases import merged

_EVENTS = Path(__file__).parents[2] / "local_events"
_WAY = of_systems()["s3_trigger/recorded"]


def _example(function: str, name: str) -> Any:
    return json.loads((_EVENTS / function / f"{name}.json").read_text())


def _put(world: SystemWorld) -> None:
    detail = _example("start_execution", "recorded")["detail"]["requestParameters"]
    world.s3.put(detail["bucketName"], detail["key"], b"text\n")


def _event(give: Mapping[str, Any]) -> Told:
    """`notified` or `recorded`: members that are merged over a sound event of that kind, null removes one;
    or `event`, the whole of it.
    """
    for name in ("notified", "recorded"):
        if name in give:
            return _started(merged(_example("start_execution", name), give[name]))
    return _started(give["event"])


def _started(event: Any) -> Told:
    told = invoke(_WAY, "StartExecutionFunction", event, prepare=_put)
    assert len(told.started) <= 1
    return told


def _task_input(give: Mapping[str, Any]) -> Told:
    """`input`: members that are merged over a sound input, null removes one; or `event`, the whole of it."""
    sound = {"bucket": "incoming", "key": "orders/2026/November 21.csv", "version": None}
    return _summarized(give.get("event", merged(sound, give.get("input", {}))))


def _summarized(event: Any) -> Told:
    return invoke(_WAY, "SummarizeObjectFunction", event, prepare=_put)


GROUPS: Mapping[str, Group] = {"s3_trigger_events": _event, "s3_trigger_task_inputs": _task_input}

TARGETS = (
    Target(
        "S3 events",
        st.one_of(*(mutated(_example("start_execution", name)) for name in ("notified", "recorded"))),
        lambda event: kind(_started(event)),
        60,
    ),
    Target(
        "S3 task input",
        st.one_of(mutated(_example("summarize_object", "versioned")), any_value),
        lambda event: kind(_summarized(event)),
        30,
    ),
)

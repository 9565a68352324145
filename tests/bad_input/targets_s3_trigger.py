"""The S3 trigger: events from EventBridge, and inputs of the sample's task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.bad_input.outcome import Outcome
from tests.bad_input.strategies import any_value, mutated
from tests.bad_input.system_runner import Group, invoke
from tests.bad_input.targets import Target
from tests.cases import merged, read_case
from tests.faults.scenarios import system_scenarios
from tests.faults.system_world import SystemWorld
from tests.statemachines.s3_trigger.world import BUCKET, KEY, NOTIFIED, PROJECT, RECORDED, VERSION

_SCENARIO = system_scenarios()["s3_trigger/recorded"]


def _put(world: SystemWorld) -> None:
    world.s3.put(BUCKET, KEY, b"text\n", version=VERSION)


def _event(given: Mapping[str, Any]) -> Outcome:
    """`notified` or `recorded`: members that are merged over a valid event of that kind, null removes one;
    or `event`, the whole event.
    """
    for name, valid in (("notified", NOTIFIED), ("recorded", RECORDED)):
        if name in given:
            return _deliver(merged(valid, given[name]))
    return _deliver(given["event"])


def _deliver(event: Any) -> Outcome:
    outcome = invoke(_SCENARIO, "StartExecutionFunction", event, prepare=_put)
    assert len(outcome.started) <= 1
    return outcome


def _task_input(given: Mapping[str, Any]) -> Outcome:
    """`input`: members that are merged over a valid input, null removes one; or `event`, the whole input."""
    valid = {"bucket": BUCKET, "key": KEY, "version": None}
    return _summarize(given.get("event", merged(valid, given.get("input", {}))))


def _summarize(event: Any) -> Outcome:
    return invoke(_SCENARIO, "SummarizeObjectFunction", event, prepare=_put)


GROUPS: Mapping[str, Group] = {"s3_trigger_events": _event, "s3_trigger_task_inputs": _task_input}

TARGETS = (
    Target(
        "S3 events",
        st.one_of(mutated(NOTIFIED), mutated(RECORDED)),
        lambda event: _deliver(event).kind,
        60,
    ),
    Target(
        "S3 task input",
        st.one_of(mutated(read_case(PROJECT / "local_events/summarize_object/versioned.json")), any_value),
        lambda event: _summarize(event).kind,
        30,
    ),
)

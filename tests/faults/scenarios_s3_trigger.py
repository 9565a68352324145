"""Executions started by an S3 upload: both ways of detecting the write, and events that start nothing."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

from tests.faults.system_scenario import SystemScenario
from tests.faults.system_world import SystemWorld
from tests.statemachines.s3_trigger.world import BUCKET, KEY, LOCAL_EVENTS

_FUNCTION = "StartExecutionFunction"
_TEXT = "S3CR3T-FIRST-LINE\n"
_SECOND_VERSION, _SECOND_SEQUENCER = "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH", "00617F08299329D189"


def _write(world: SystemWorld, *, event: str) -> None:
    world.s3.put(BUCKET, KEY, _TEXT.encode(), version=_version(_event(event)))
    world.deliver(_FUNCTION, _event(event))


def _write_twice(world: SystemWorld) -> None:
    """Deliver the events of two writes of the same object."""
    first, second = _event("notified"), _event("notified")
    second["detail"]["object"] |= {"version-id": _SECOND_VERSION, "sequencer": _SECOND_SEQUENCER}
    for event in (first, second):
        world.s3.put(BUCKET, KEY, _TEXT.encode(), version=_version(event))
        world.deliver(_FUNCTION, event)


def _every_write_has_an_execution(world: SystemWorld) -> Iterator[str]:
    count = len(world.executions)
    if not world.schedule.injections and count != len(world.delivered):
        yield f"{count} executions for {len(world.delivered)} writes"


def _write_and_delete(world: SystemWorld) -> None:
    """Deliver the events after the object was deleted."""
    for event in ("notified", "recorded"):
        world.deliver(_FUNCTION, _event(event))


def _event(name: str) -> Any:
    return json.loads((LOCAL_EVENTS / f"{name}.json").read_text())


def _version(event: Any) -> str:
    detail = event["detail"]
    return str(
        (detail.get("object") or {}).get("version-id") or detail["responseElements"]["x-amz-version-id"]
    )


def _executions(world: SystemWorld) -> Iterator[str]:
    for execution in world.executions:
        yield f"{execution.name} {execution.input} {execution.output}"


_scenario = functools.partial(SystemScenario, "s3_trigger", stored=_executions)

SCENARIOS = (
    _scenario("notified", functools.partial(_write, event="notified"), secrets=(_TEXT,)),
    _scenario(
        "recorded",
        functools.partial(_write, event="recorded"),
        parameters={"Detection": "CloudTrail"},
        secrets=(_TEXT,),
    ),
    _scenario("written_twice", _write_twice, check=_every_write_has_an_execution, secrets=(_TEXT,)),
    _scenario("deleted_object", _write_and_delete),
    _scenario("ignored", functools.partial(_write, event="deleted")),
)

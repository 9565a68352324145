"""Started by an S3 upload: both ways to notice the write, and what starts nothing."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults.system import SystemWorld, Way

_EVENTS = Path(__file__).parents[2] / "local_events/start_execution"
_STARTER = "StartExecutionFunction"
_BUCKET, _KEY = "incoming", "orders/2026/November 21.csv"
_TEXT = "S3CR3T-FIRST-LINE\n"


def _written(world: SystemWorld, *, event: str, text: str = _TEXT) -> None:
    world.s3.put(_BUCKET, _KEY, text.encode())
    world.deliver(_STARTER, _event(event))


def _written_and_deleted(world: SystemWorld) -> None:
    """When the events come, the object is not there any more."""
    for event in ("notified", "recorded"):
        world.deliver(_STARTER, _event(event))


def _event(name: str) -> Any:
    return json.loads((_EVENTS / f"{name}.json").read_text())


def _executions(world: SystemWorld) -> Iterator[str]:
    for execution in world.executions:
        yield f"{execution.name} {execution.input} {execution.output}"


WAYS = (
    Way(
        "s3_trigger", "notified", functools.partial(_written, event="notified"), _executions, secrets=(_TEXT,)
    ),
    Way(
        "s3_trigger",
        "recorded",
        functools.partial(_written, event="recorded"),
        _executions,
        parameters={"Detection": "CloudTrail"},
        secrets=(_TEXT,),
    ),
    Way("s3_trigger", "gone", _written_and_deleted, _executions),
    Way("s3_trigger", "ignored", functools.partial(_written, event="deleted"), _executions),
)

"""Links to the acts: pages show them only if the console may act."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from stepline.console.pages import Console

ActLink = dict[str, Any]
"""`title` and `address`."""

_REDRIVABLE = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})


def release_act(console: Console, pipeline: str) -> list[ActLink]:
    return _links(console, "Release change", "release", pipeline=pipeline)


def stop_pipeline_act(console: Console, pipeline: str, execution_id: str) -> list[ActLink]:
    return _links(console, "Stop", "stop-pipeline", pipeline=pipeline, execution=execution_id)


def retry_act(console: Console, pipeline: str, execution_id: str, stage: str) -> list[ActLink]:
    return _links(
        console, f"Retry stage {stage}", "retry", pipeline=pipeline, execution=execution_id, stage=stage
    )


def execution_acts(console: Console, arn: str, status: str) -> list[ActLink]:
    """Return the acts on a Standard execution of a state machine with this status of Step Functions."""
    if status == "RUNNING":
        return _links(console, "Stop", "stop-execution", arn=arn)
    return _links(console, "Redrive", "redrive", arn=arn) if status in _REDRIVABLE else []


def _links(console: Console, title: str, act: str, **arguments: str) -> list[ActLink]:
    if not console.allows_actions:
        return []
    return [{"title": title, "address": f"/acts/{act}?{urlencode(arguments)}"}]

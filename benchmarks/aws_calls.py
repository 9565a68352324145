"""Counts the AWS calls of the trigger's handler for each kind of job."""

from __future__ import annotations

import os

from stepline.core.limits import ARCHIVE_TAIL_BYTES
from tests.pipeline.world import World

TARGETS = {
    "start": 3,
    "start, large archive": 4,
    "poll while running": 3,
    "poll while running, progress off": 2,
    "report success": 2,
    "report failure": 3,
}


def measure() -> dict[str, list[str]]:
    """Return the calls for each kind of job, in a container that has handled a job before."""
    return {
        "start": _start(World()),
        "start, large archive": _start(_with_large_archive()),
        "poll while running": _poll(World(), "RUNNING"),
        "poll while running, progress off": _poll(_without_progress(), "RUNNING"),
        "report success": _poll(World(), "SUCCEEDED"),
        "report failure": _poll(World(), "FAILED"),
    }


def _start(world: World) -> list[str]:
    world.send(world.first_job())
    world.forget_calls()
    world.send(world.first_job())
    return world.calls


def _poll(world: World, status: str) -> list[str]:
    job, execution = world.start_execution()
    if status == "SUCCEEDED":
        execution.succeed('{"url": "https://example.com"}')
    elif status == "FAILED":
        execution.fail("SomeError", "some cause")
    world.send(job)
    return world.calls


def _with_large_archive() -> World:
    world = World()
    other_files = {f"{number}.bin": os.urandom(ARCHIVE_TAIL_BYTES // 4) for number in range(8)}
    world.put_artifact({"state_machine_input.json": b"{}", **other_files})
    return world


def _without_progress() -> World:
    world = World()
    world.configure(SHOW_PROGRESS="false")
    return world

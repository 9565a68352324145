"""Finds the git processes of a repository."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

WAIT_SECONDS = 10
POLL_SECONDS = 0.02


def processes_of(repository: Path) -> list[int]:
    """Return the git processes whose environment or command line names this repository, without zombies."""
    listing = subprocess.run(
        ["ps", "axeww", "-o", "pid=,stat=,command="], capture_output=True, check=True
    ).stdout
    lines = listing.decode(errors="replace").splitlines()
    found = [line.split(None, 2) for line in lines if "git" in line and repository.name in line]
    return [int(pid) for pid, state, _ in found if not state.startswith("Z")]


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll for a change that another process makes."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(POLL_SECONDS)

"""Finds the git processes of a repository."""

from __future__ import annotations

import subprocess
from pathlib import Path


def processes_of(repository: Path) -> list[int]:
    """Return the git processes whose environment or command line names this repository, without zombies."""
    listing = subprocess.run(
        ["ps", "axeww", "-o", "pid=,stat=,command="], capture_output=True, check=True
    ).stdout
    lines = listing.decode(errors="replace").splitlines()
    found = [line.split(None, 2) for line in lines if "git" in line and repository.name in line]
    return [int(pid) for pid, state, _ in found if not state.startswith("Z")]

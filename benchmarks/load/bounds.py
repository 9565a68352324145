"""Checks the resources of the local AWS against their bounds.

Each bound has a fixed part, for pools of fixed size, and a part for each execution, whose history, stack,
artifact and logs are kept.
"""

from __future__ import annotations

from benchmarks.load.invariants import Finding
from benchmarks.processes import Sample
from stepline.localaws.functions.settings import USUAL_ENVIRONMENTS

FUNCTIONS = 14
"""The worker and the tasks of Deploy."""

_MIB_PER_FUNCTION = 96.0
"""A Python process with botocore has 50 MiB."""

_SERVER_MIB = 100.0
_SERVER_MIB_PER_EXECUTION = 0.4
"""Measured: 0.16 for what is kept, and 0.1 for its thread and requests while it runs."""

_FIXED_THREADS = 64 + 2 * 32 + 2 * 16 + 2 * FUNCTIONS * USUAL_ENVIRONMENTS + 40
"""ministack's pool, two clocks, concurrent tasks with two threads each, two threads for each process of a
function, and requests with a thread of their own."""

_THREADS_PER_EXECUTION = 2.1
"""An open execution has a waiting thread, and the event that its action has started another one, until the
worker has handled it."""

_OPEN_FILES = 1000
"""Below 1,024, a usual limit: both ends of the connections in pools, and five for each process."""

_IDLE_CPU_SHARE = 0.02


def check_peak(before: Sample, peak: Sample, *, executions: int) -> list[Finding]:
    processes = FUNCTIONS * USUAL_ENVIRONMENTS
    memory = before.server_mib + _SERVER_MIB + _SERVER_MIB_PER_EXECUTION * executions
    threads = _FIXED_THREADS + _THREADS_PER_EXECUTION * executions
    return [
        _at_most("the server's memory is bounded", peak.server_mib, memory, "MiB"),
        _at_most("the number of functions' processes is bounded", peak.functions, processes, "processes"),
        _at_most(
            "the functions' memory is bounded", peak.functions_mib, processes * _MIB_PER_FUNCTION, "MiB"
        ),
        _at_most("threads are bounded", peak.server_threads, threads, "threads"),
        _at_most("open files are bounded", peak.server_open_files, _OPEN_FILES, "open files"),
    ]


def check_after(before: Sample, after: Sample, *, idle_cpu_share: float) -> list[Finding]:
    """Check that only pools keep threads and files, whatever the number of executions."""
    files = before.server_open_files + 5 * FUNCTIONS * USUAL_ENVIRONMENTS + 2 * (64 + 64)
    return [
        _at_most("threads end", after.server_threads, _FIXED_THREADS, "threads"),
        _at_most("files are closed", after.server_open_files, files, "open files"),
        _at_most("an idle server uses no CPU", 100 * idle_cpu_share, 100 * _IDLE_CPU_SHARE, "% CPU"),
    ]


def _at_most(invariant: str, value: float, bound: float, unit: str) -> Finding:
    return Finding(invariant, value <= bound, f"{value:,.0f} {unit} (bound {bound:,.0f})")

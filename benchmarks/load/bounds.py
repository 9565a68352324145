"""What the local AWS may take of the machine, and why.

Each bound is a fixed part, for pools of fixed size, and a part for what an execution keeps: its history, its
stack, its artifact and logs stay to be looked at.
"""

from __future__ import annotations

from benchmarks.load.invariants import Finding
from benchmarks.load.processes import Sample
from stepline.localaws.functions.settings import USUAL_ENVIRONMENTS

FUNCTIONS = 14
"""The trigger and the tasks of Deploy."""

_MIB_PER_FUNCTION = 96.0
"""A Python process with botocore has 50 MiB."""

_SERVER_MIB = 100.0
_SERVER_MIB_PER_EXECUTION = 0.4
"""Measured: 0.16 while it is kept; 0.1 more for its thread and requests while it runs."""

_FIXED_THREADS = 64 + 2 * 32 + 2 * 16 + 2 * FUNCTIONS * USUAL_ENVIRONMENTS + 40
"""ministack's pool, two clocks, tasks that run at a time on two threads each, watchers of processes,
requests that have a thread of their own, and what runs anyway."""

_THREADS_PER_EXECUTION = 1.1
"""An open execution is a thread that waits."""

_OPEN_FILES = 1000
"""Below 1,024, a usual limit: connections of the pools at both their ends, and five for each process."""

_IDLE_CPU_SHARE = 0.02


def while_running(base: Sample, peak: Sample, *, executions: int) -> list[Finding]:
    """`base` was taken before the burst."""
    processes = FUNCTIONS * USUAL_ENVIRONMENTS
    memory = base.server_mib + _SERVER_MIB + _SERVER_MIB_PER_EXECUTION * executions
    threads = _FIXED_THREADS + _THREADS_PER_EXECUTION * executions
    return [
        _at_most("the server's memory is bounded", peak.server_mib, memory, "MiB"),
        _at_most("functions run in a bounded number of processes", peak.functions, processes, "processes"),
        _at_most(
            "the functions' memory is bounded", peak.functions_mib, processes * _MIB_PER_FUNCTION, "MiB"
        ),
        _at_most("threads are bounded", peak.server_threads, threads, "threads"),
        _at_most("open files are bounded", peak.server_open_files, _OPEN_FILES, "open files"),
    ]


def afterwards(base: Sample, end: Sample, *, idle_cpu_share: float) -> list[Finding]:
    """Nothing is left but what pools keep, however many executions there were."""
    files = base.server_open_files + 5 * FUNCTIONS * USUAL_ENVIRONMENTS + 2 * (64 + 64)
    return [
        _at_most("threads end", end.server_threads, _FIXED_THREADS, "threads"),
        _at_most("files are closed", end.server_open_files, files, "open files"),
        _at_most("who has nothing to do takes no time", 100 * idle_cpu_share, 100 * _IDLE_CPU_SHARE, "% CPU"),
    ]


def _at_most(invariant: str, seen: float, bound: float, unit: str) -> Finding:
    return Finding(invariant, seen <= bound, f"{seen:,.0f} {unit} (bound {bound:,.0f})")

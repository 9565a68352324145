"""`make load`: runs a thousand pipeline executions at once on the local AWS, and checks invariants.

The exit code is 0 only if every invariant holds. Needs Linux's /proc, and takes some minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time

from rich.console import Console
from rich.table import Table

from benchmarks.load import bounds, burst, invariants, local_aws, quota_tables
from benchmarks.load.invariants import Finding
from benchmarks.processes import Sample, Sampler, idle_cpu_share
from tests.ports import free_port

_TIME_LIMIT_SECONDS = 1200.0
_SETTLE_SECONDS = 25.0
"""Longer than the 20 s for which the server keeps idle connections."""
_IDLE_SECONDS = 30.0
"""A garbage collection of the histories of a thousand executions takes some tenths of a second of these."""


def main() -> None:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the local AWS is stopped
    console = Console()
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}\n")
    with local_aws.deployed(
        arguments.port,
        parameters={"PollSeconds": str(arguments.poll_seconds)},
        open_files=arguments.open_files,
    ) as aws:
        findings = _load(aws, arguments.executions, console)
    if arguments.simulate:
        quota_tables.show_simulation(console)
        quota_tables.show_custom_simulation(console)
    _show_findings(console, findings)
    sys.exit(0 if all(finding.holds for finding in findings) else 1)


def _load(aws: local_aws.DeployedLocalAws, executions: int, console: Console) -> list[Finding]:
    def report(text: str) -> None:
        console.print(text, style="dim")

    burst.commit(aws, local_aws.PROJECT / "app")
    pid = aws.server.pid
    before, calls_before = Sample.take(pid), aws.calls()
    with Sampler(pid) as sampler:
        result = burst.run(aws, executions=executions, time_limit_seconds=_TIME_LIMIT_SECONDS, report=report)
    peak, calls = sampler.peak(), aws.calls() - calls_before
    findings = invariants.check(aws, result, calls)
    time.sleep(_SETTLE_SECONDS)
    after = Sample.take(pid)
    share = idle_cpu_share(pid, _IDLE_SECONDS)
    _show_resources(console, before, peak, after)
    quota_tables.show_calls(console, calls, result)
    return [
        Finding(
            "all were in progress at once",
            result.in_progress_at_once == executions,
            str(result.in_progress_at_once),
        ),
        *findings,
        *bounds.check_peak(before, peak, executions=executions),
        *bounds.check_after(before, after, idle_cpu_share=share),
    ]


def _show_resources(console: Console, before: Sample, peak: Sample, after: Sample) -> None:
    table = Table(title="Resources of the local AWS", title_justify="left")
    table.add_column("")
    for moment in ("before", "peak", "after"):
        table.add_column(moment, justify="right")
    rows = {
        "memory of the server, MiB": "server_mib",
        "threads of the server": "server_threads",
        "open files of the server": "server_open_files",
        "processes of functions": "functions",
        "memory of them, MiB": "functions_mib",
        "CPU of the server, seconds": "server_cpu_seconds",
    }
    for label, name in rows.items():
        table.add_row(label, *(f"{getattr(sample, name):,.0f}" for sample in (before, peak, after)))
    console.print(table)


def _show_findings(console: Console, findings: list[Finding]) -> None:
    table = Table(title="Invariants", title_justify="left")
    table.add_column("")
    table.add_column("invariant")
    table.add_column("observed")
    for finding in findings:
        mark = "[green]holds[/]" if finding.holds else "[red]VIOLATED[/]"
        table.add_row(mark, finding.invariant, finding.observed)
    console.print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--executions", type=int, default=1000)
    parser.add_argument(
        "--poll-seconds", type=int, default=60, help="the parameter PollSeconds of the template"
    )
    parser.add_argument("--port", type=int, default=free_port())
    parser.add_argument("--open-files", type=int, help="limit of open files of the local AWS")
    parser.add_argument(
        "--no-simulation", dest="simulate", action="store_false", help="skip the simulation of quotas"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""`make load`: a thousand pipeline executions at once through the local AWS, and what must hold then.

Exit 0 only if every invariant holds. Needs Linux's /proc, and some minutes.
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
from benchmarks.load.processes import Sample, Sampler, idle_cpu_share
from tests.ports import free_port

_TIME_LIMIT_SECONDS = 1200.0
_SETTLE_SECONDS = 25.0
"""The server keeps idle connections for 20 s."""
_IDLE_SECONDS = 10.0


def main() -> None:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # in order, with what was started
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
    _show_findings(console, findings)
    sys.exit(0 if all(finding.holds for finding in findings) else 1)


def _load(aws: local_aws.LocalAws, executions: int, console: Console) -> list[Finding]:
    def tell(text: str) -> None:
        console.print(text, style="dim")

    burst.commit(aws, local_aws.PROJECT / "app")
    base, before = Sample.take(aws.process.pid), aws.calls()
    with Sampler(aws.process.pid) as sampler:
        done = burst.run(aws, executions=executions, time_limit_seconds=_TIME_LIMIT_SECONDS, tell=tell)
    peak, calls = sampler.peak(), aws.calls() - before
    findings = invariants.check(aws, done, calls)
    time.sleep(_SETTLE_SECONDS)
    end = Sample.take(aws.process.pid)
    share = idle_cpu_share(aws.process.pid, _IDLE_SECONDS)
    _show_machine(console, base, peak, end)
    quota_tables.show_calls(console, calls, done)
    return [
        Finding(
            "all were in progress at once",
            done.in_progress_at_once == executions,
            str(done.in_progress_at_once),
        ),
        *findings,
        *bounds.while_running(base, peak, executions=executions),
        *bounds.afterwards(base, end, idle_cpu_share=share),
    ]


def _show_machine(console: Console, base: Sample, peak: Sample, end: Sample) -> None:
    table = Table(title="What the local AWS takes", title_justify="left")
    table.add_column("")
    for moment in ("before", "peak", "afterwards"):
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
        table.add_row(label, *(f"{getattr(sample, name):,.0f}" for sample in (base, peak, end)))
    console.print(table)


def _show_findings(console: Console, findings: list[Finding]) -> None:
    table = Table(title="Invariants", title_justify="left")
    table.add_column("")
    table.add_column("what must hold")
    table.add_column("what was seen")
    for finding in findings:
        mark = "[green]holds[/]" if finding.holds else "[red]BROKEN[/]"
        table.add_row(mark, finding.invariant, finding.seen)
    console.print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--executions", type=int, default=1000)
    parser.add_argument("--poll-seconds", type=int, default=60, help="the template's PollSeconds")
    parser.add_argument("--port", type=int, default=free_port())
    parser.add_argument("--open-files", type=int, help="the limit of open files that the local AWS may have")
    parser.add_argument("--no-simulation", dest="simulate", action="store_false", help="leave out the quotas")
    return parser.parse_args()


if __name__ == "__main__":
    main()

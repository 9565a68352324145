"""`make bench`: measures the figures of the documentation."""

from __future__ import annotations

import os
import platform

from rich.console import Console
from rich.table import Table

from benchmarks import archives, aws_calls, cold_start, push
from benchmarks.waiting import table as waiting

_COLD_START_TARGET = 1.15


def main() -> None:
    console = Console()
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}\n")
    _show_archives(console)
    _show_cold_start(console)
    _show_calls(console)
    _show_push(console)
    waiting.show(console)


def _show_archives(console: Console) -> None:
    table = _table(
        "One member of an archive", "archive", "read by", "requests", "bytes", "time", "peak memory"
    )
    for label, readings in archives.measure().items():
        for method, reading in readings.items():
            milliseconds = f"{reading.seconds * 1000:,.0f} ms"
            peak = f"{reading.peak_mib:.0f} MiB"
            table.add_row(label, method, str(reading.requests), f"{reading.bytes_read:,}", milliseconds, peak)
    console.print(table)


def _show_cold_start(console: Console) -> None:
    result = cold_start.measure()
    table = _table("Cold start", "program", "time")
    table.add_row("import boto3, two clients", f"{result.boto3_seconds * 1000:.0f} ms")
    table.add_row("the trigger with its two clients", f"{result.trigger_seconds * 1000:.0f} ms")
    table.add_row("ratio, pair by pair", f"{result.ratio:.2f} (target: at most {_COLD_START_TARGET})")
    console.print(table)


def _show_calls(console: Console) -> None:
    table = _table("AWS calls of a job", "job", "calls", "target", "operations")
    for job, calls in aws_calls.measure().items():
        table.add_row(job, str(len(calls)), str(aws_calls.TARGETS[job]), ", ".join(calls))
    console.print(table)


def _show_push(console: Console) -> None:
    table = _table("The local AWS", "step", "time")
    for step, seconds in push.measure().items():
        table.add_row(step, f"{seconds:.1f} s")
    console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        right = column in {"requests", "bytes", "time", "peak memory", "calls", "target"}
        table.add_column(column, justify="right" if right else "left")
    return table


if __name__ == "__main__":
    main()

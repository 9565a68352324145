"""Shows the calls of a burst and the simulation of AWS's quotas as tables."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.table import Table

from benchmarks import quotas
from benchmarks.load.burst import Burst

SIMULATED_ACTIONS = (150, 300, 600, 1200)
INTERVAL_SECONDS = 30
EXECUTION_SECONDS = 200.0


def show_calls(console: Console, calls: Counter[str], burst: Burst) -> None:
    table = Table(title=f"Calls: {burst.count} executions within {burst.seconds:.0f} s", title_justify="left")
    for column in ("operation and outcome", "calls", "per execution"):
        table.add_column(column, justify="left" if column.startswith("operation") else "right")
    for name, count in calls.most_common():
        table.add_row(name, f"{count:,}", f"{count / burst.count:.2f}")
    console.print(table)


def show_simulation(console: Console) -> None:
    """Simulate actions that start within one interval, with the quotas of a small region."""
    table = Table(
        title=f"In a small region, polled every {INTERVAL_SECONDS} s (simulated)", title_justify="left"
    )
    for column in (
        "actions",
        "succeeded",
        "failed",
        "DescribeExecution",
        "throttled",
        "median delay",
        "maximum",
    ):
        table.add_column(column, justify="right")
    with ProcessPoolExecutor() as pool:
        for outcome in pool.map(simulate, SIMULATED_ACTIONS):
            table.add_row(*row(outcome))
    console.print(table)


def simulate(actions: int) -> quotas.Outcome:
    with contextlib.redirect_stdout(io.StringIO()):  # the trigger's metrics
        return quotas.simulate(
            actions,
            quotas=quotas.SMALL_REGIONS,
            interval_seconds=INTERVAL_SECONDS,
            execution_seconds=EXECUTION_SECONDS,
        )


def row(outcome: quotas.Outcome) -> tuple[str, ...]:
    calls, throttled = outcome.calls["DescribeExecution"], outcome.throttled["DescribeExecution"]
    return (
        f"{outcome.actions:,}",
        f"{outcome.succeeded:,}",
        f"{outcome.failed:,}",
        f"{calls:,}",
        f"{throttled / calls:.0%}",
        f"{outcome.median_delay_seconds:.0f} s",
        f"{outcome.longest_delay_seconds:.0f} s",
    )

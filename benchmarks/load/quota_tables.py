"""Shows the calls of a burst and the simulation of AWS's quotas as tables."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.table import Table

from benchmarks import custom_quotas, quotas
from benchmarks.load.burst import Burst

SIMULATED_ACTIONS = (150, 300, 600, 1200)
INTERVAL_SECONDS = 30
EXECUTION_SECONDS = 200.0

CUSTOM_ACTIONS = ((600, 200), (1200, 200), (3000, 200), (10_000, 200), (3000, 3000), (10_000, 3000))
"""Numbers of custom actions, and the seconds that their executions take."""


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


def show_custom_simulation(console: Console) -> None:
    """Simulate custom actions that start within the same time, with the quotas of a small region."""
    table = Table(title="Custom actions in a small region (simulated)", title_justify="left")
    for column in (
        "actions",
        "executions take",
        "by the event",
        "throttled",
        "median delay",
        "maximum",
        "checked by a sweep",
    ):
        table.add_column(column, justify="right")
    for actions, seconds in CUSTOM_ACTIONS:
        table.add_row(*custom_row(actions, seconds))
    console.print(table)


def custom_row(actions: int, seconds: int) -> tuple[str, ...]:
    outcome = custom_quotas.simulate(
        actions,
        quota=quotas.SMALL_REGIONS["DescribeExecution"],
        begin_seconds=INTERVAL_SECONDS,
        execution_seconds=seconds,
    )
    return (
        f"{outcome.actions:,}",
        f"{seconds:,} s",
        f"{outcome.answered_by_event:,}",
        f"{outcome.throttled / outcome.calls:.0%}",
        f"{outcome.median_delay_seconds:,.0f} s",
        f"{outcome.longest_delay_seconds:,.0f} s",
        f"{outcome.sweep_checks:,}",
    )


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

"""Compares what actions do, and cost, while their execution runs."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks import deploy_calls
from benchmarks.waiting import hour, latency, prices
from benchmarks.waiting.hour import INVOCATION, ActionCalls
from benchmarks.waiting.latency import Latency

DEPLOYMENT_MINUTES = (5, 60)
MAX_DELAY_SECONDS = 2.0
MAX_CALLS_PER_HOUR = 10
"""Targets of the custom action."""

_TITLE = "Waiting for an execution"
_COLUMNS = (
    "action",
    "delay, median",
    "at most",
    "calls per hour",
    "fixed calls",
    "invocation",
    "5 minutes",
    "60 minutes",
)


@dataclass(frozen=True)
class Row:
    name: str
    calls: ActionCalls
    latency: Latency

    def dollars(self, minutes: int) -> float:
        """Return the price of an action whose execution takes so long, without that of the execution."""
        return usage(self.name, self.calls, self.latency, minutes).dollars


def usage(name: str, calls: ActionCalls, measured: Latency, minutes: int) -> prices.Usage:
    used = {
        operation: calls.fixed[operation] + calls.hour[operation] * minutes / 60
        for operation in calls.fixed | calls.hour
    }
    invocations = used.pop(INVOCATION, 0.0)
    seconds = 60 * minutes + measured.median_seconds
    return prices.Usage(
        calls=used,
        invocations=invocations,
        lambda_seconds=invocations * measured.invocation_seconds,
        billed_minutes=0 if name == hour.CUSTOM else prices.billed_minutes(seconds),
    )


def execution_dollars() -> float:
    """Return the price of the state transitions of an update by the Deploy state machine."""
    return deploy_calls.measure()["an update"].states * prices.STATE_TRANSITION


def measure() -> list[Row]:
    calls, latencies = hour.measure(), latency.measure()
    return [Row(name, calls[name], latencies[name]) for name in calls]


def show(console: Console) -> None:
    table = Table(title=_TITLE, title_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column == "action" else "right")
    for row in measure():
        table.add_row(*cells(row))
    table.add_row("target of the custom action", "", f"< {MAX_DELAY_SECONDS:g} s", f"<= {MAX_CALLS_PER_HOUR}")
    console.print(table)
    console.print(
        f"besides, in each row: {dollars_text(execution_dollars())} for the execution of an update\n"
    )


def cells(row: Row) -> tuple[str, ...]:
    delays = (f"{row.latency.median_seconds:.2f} s", f"{row.latency.longest_seconds:.2f} s")
    invocation = f"{row.latency.invocation_seconds:.2f} s" if row.latency.invocation_seconds else ""
    dollars = (dollars_text(row.dollars(minutes)) for minutes in DEPLOYMENT_MINUTES)
    return (row.name, *delays, *call_cells(row.calls), invocation, *dollars)


def call_cells(calls: ActionCalls) -> tuple[str, str]:
    return str(calls.hourly), str(hour.count_calls(calls.fixed))


def dollars_text(dollars: float) -> str:
    """Return a price with a digit that counts, even if it is far below a cent."""
    return f"${dollars:.5f}" if dollars < 0.001 else f"${dollars:.4f}"

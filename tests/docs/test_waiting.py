"""The table of docs/benchmarks.md about waiting is that of the code."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from benchmarks.waiting import hour, prices, table
from benchmarks.waiting.hour import ActionCalls
from benchmarks.waiting.latency import Latency

PAGE = (Path(__file__).parents[2] / "docs/benchmarks.md").read_text()


@cache
def measured() -> dict[str, ActionCalls]:
    return hour.measure()


def rows() -> dict[str, list[str]]:
    lines = PAGE.partition("<!-- waiting")[2].partition("<!-- end of waiting")[0].strip().splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells[2:]}


def seconds(cell: str) -> float:
    return float(cell.removesuffix(" s") or 0)


def test_calls_on_the_page_are_those_of_the_code() -> None:
    on_page = {name: tuple(row[2:4]) for name, row in rows().items() if name in measured()}
    assert on_page == {name: table.call_cells(calls) for name, calls in measured().items()}


def test_custom_action_keeps_to_its_targets() -> None:
    assert measured()[hour.CUSTOM].hourly <= table.MAX_CALLS_PER_HOUR
    assert seconds(rows()[hour.CUSTOM][1]) < table.MAX_DELAY_SECONDS
    target = rows()["target of the custom action"]
    assert target[1:3] == [f"< {table.MAX_DELAY_SECONDS:g} s", f"<= {table.MAX_CALLS_PER_HOUR}"]


@pytest.mark.parametrize("name", [hour.LAMBDA, hour.HELD, hour.CUSTOM, hour.NATIVE])
def test_prices_on_the_page_follow_from_its_calls_and_durations(name: str) -> None:
    median, _, _, _, invocation, *dollars = rows()[name]
    latency = Latency((seconds(median),), seconds(invocation))
    row = table.Row(name, measured()[name], latency)
    assert dollars == [table.dollars_text(row.dollars(minutes)) for minutes in table.DEPLOYMENT_MINUTES]


def test_price_of_the_execution_is_that_of_the_code() -> None:
    assert f"{table.dollars_text(table.execution_dollars())} for an update" in PAGE


def test_minutes_of_an_action_are_rounded_up() -> None:
    assert [prices.billed_minutes(seconds) for seconds in (1, 60, 61)] == [1, 1, 2]


def test_calls_without_a_price_cost_nothing() -> None:
    used = prices.Usage(Counter({"DescribeExecution": 1000}), 0, 0, billed_minutes=0)
    assert used.dollars == 0

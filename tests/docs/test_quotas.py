"""The numbers on docs/quotas.md are those of the code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import aws_calls, deploy_calls, quotas
from benchmarks.load import quota_tables
from benchmarks.waiting import hour

PAGE = (Path(__file__).parents[2] / "docs/quotas.md").read_text()


def rows(before: str) -> list[list[str]]:
    """Return the rows of the first table after a text, without the header."""
    table = PAGE[PAGE.index(before) :].partition("\n\n|")[2].partition("\n\n")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines()]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def test_calls_of_the_trigger_are_those_of_the_code() -> None:
    measured = [[job, str(len(calls)), ", ".join(calls)] for job, calls in aws_calls.measure().items()]
    assert rows("<!-- trigger calls") == measured


def test_calls_of_the_deploy_machine_are_those_of_the_code() -> None:
    def cell(calls: deploy_calls.DeployCalls) -> str:
        return ", ".join(f"{name} {count}" for name, count in calls.aws.most_common())

    measured = [
        [path, str(calls.invocations), str(calls.states), cell(calls)]
        for path, calls in deploy_calls.measure().items()
    ]
    assert rows("<!-- deploy calls") == measured


def test_calls_of_the_worker_are_those_of_the_code() -> None:
    calls = hour.measure()[hour.CUSTOM]

    def row(part: str, counted: Counter[str]) -> list[str]:
        names = [f"{name} {count}" for name, count in counted.most_common() if name != hour.INVOCATION]
        return [part, str(hour.count_calls(counted)), ", ".join(names)]

    parts = {"start": calls.start, "two sweeps": calls.hour, "end": calls.end}
    assert rows("<!-- worker calls") == [row(part, counted) for part, counted in parts.items()]


def test_simulated_custom_actions_are_those_of_the_code() -> None:
    simulated = [
        [*quota_tables.custom_row(actions, seconds)] for actions, seconds in quota_tables.CUSTOM_ACTIONS
    ]
    assert rows("<!-- custom actions") == simulated


def test_quotas_are_those_of_the_code() -> None:
    def cell(quota: quotas.Quota) -> str:
        return f"{quota.bucket:,}, then {quota.refill}/s"

    expected = {
        operation: [operation, cell(quotas.LARGE_REGIONS[operation]), cell(quotas.SMALL_REGIONS[operation])]
        for operation in quotas.SMALL_REGIONS
    }
    assert {row[0]: row for row in rows("Step Functions' token buckets")} == expected


def test_number_of_sustained_actions_is_that_of_the_code() -> None:
    def row(interval: int) -> Sequence[str]:
        limiting_quotas = [
            quotas.SMALL_REGIONS["DescribeExecution"],
            quotas.LARGE_REGIONS["DescribeExecution"],
            quotas.SMALL_REGIONS["GetExecutionHistory"],
        ]
        return [
            f"{interval} s",
            *(f"{quotas.sustained_actions(quota, interval):,}" for quota in limiting_quotas),
        ]

    assert rows("<!-- sustained") == [row(interval) for interval in quotas.INTERVALS_SECONDS]


@pytest.mark.parametrize("actions", [150])
def test_simulated_row_is_on_the_page(actions: int) -> None:
    assert quota_tables.row(quota_tables.simulate(actions)) in _simulated()


def test_simulated_actions_beyond_the_quotas_succeed_later() -> None:
    """The test takes a tenth of the quotas and of the actions."""
    tenth = {
        name: quotas.Quota(quota.bucket // 10, quota.refill // 10)
        for name, quota in quotas.SMALL_REGIONS.items()
    }
    outcomes = [
        quotas.simulate(actions, quotas=tenth, interval_seconds=30, execution_seconds=200)
        for actions in (15, 120)
    ]
    assert [(outcome.succeeded, outcome.failed) for outcome in outcomes] == [(15, 0), (120, 0)]
    assert [bool(outcome.throttled) for outcome in outcomes] == [False, True]
    assert outcomes[0].longest_delay_seconds <= 30 < outcomes[1].longest_delay_seconds


def test_all_actions_of_the_simulated_rows_succeed() -> None:
    assert [row[0].replace(",", "") for row in _simulated()] == [
        str(actions) for actions in quota_tables.SIMULATED_ACTIONS
    ]
    assert [row for row in _simulated() if row[1] != row[0] or row[2] != "0"] == []


def test_token_bucket_is_refilled_over_time_up_to_its_size() -> None:
    bucket = quotas.Bucket(quotas.Quota(bucket=2, refill=1), tokens=2)
    assert [bucket.take(now) for now in (0, 0, 0, 0.5, 1.0, 1.5)] == [True, True, False, False, True, False]
    assert [bucket.take(now) for now in (100, 100, 100)] == [True, True, False]


def _simulated() -> list[tuple[str, ...]]:
    assert re.search(r"polled every 30 seconds", PAGE)
    return [tuple(row) for row in rows("## Beyond the limit")]

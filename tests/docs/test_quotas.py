"""The figures of docs/quotas.md are those of the code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import aws_calls, deploy_calls, quotas
from benchmarks.load import quota_tables

PAGE = (Path(__file__).parents[2] / "docs/quotas.md").read_text()


def rows(before: str) -> list[list[str]]:
    """The first table after a text, without its head."""
    table = PAGE[PAGE.index(before) :].partition("\n\n|")[2].partition("\n\n")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines()]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def test_calls_of_the_trigger() -> None:
    measured = [[job, str(len(calls)), ", ".join(calls)] for job, calls in aws_calls.measure().items()]
    assert rows("<!-- trigger calls") == measured


def test_calls_of_the_deploy_machine() -> None:
    def told(calls: deploy_calls.DeployCalls) -> str:
        return ", ".join(f"{name} {count}" for name, count in calls.aws.most_common())

    measured = [
        [way, str(calls.invocations), str(calls.states), told(calls)]
        for way, calls in deploy_calls.measure().items()
    ]
    assert rows("<!-- deploy calls") == measured


def test_quotas() -> None:
    def told(quota: quotas.Quota) -> str:
        return f"{quota.bucket:,}, then {quota.refill}/s"

    wanted = {
        operation: [operation, told(quotas.LARGE_REGIONS[operation]), told(quotas.SMALL_REGIONS[operation])]
        for operation in quotas.SMALL_REGIONS
    }
    assert {row[0]: row for row in rows("Step Functions' token buckets")} == wanted


def test_actions_that_may_poll_at_the_same_time() -> None:
    def row(interval: int) -> Sequence[str]:
        binding = [
            quotas.SMALL_REGIONS["DescribeExecution"],
            quotas.LARGE_REGIONS["DescribeExecution"],
            quotas.SMALL_REGIONS["GetExecutionHistory"],
        ]
        return [f"{interval} s", *(f"{quotas.sustained_actions(quota, interval):,}" for quota in binding)]

    assert rows("<!-- sustained") == [row(interval) for interval in quotas.INTERVALS_SECONDS]


@pytest.mark.parametrize("actions", [150])
def test_simulated_actions_within_the_quotas(actions: int) -> None:
    assert quota_tables.row(quota_tables.simulate(actions)) in _simulated()


def test_simulated_actions_beyond_the_quotas_succeed_later() -> None:
    """A tenth of everything: quotas and actions."""
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


def test_every_simulated_row_says_that_nothing_fails() -> None:
    assert [row[0].replace(",", "") for row in _simulated()] == [
        str(actions) for actions in quota_tables.SIMULATED_ACTIONS
    ]
    assert [row for row in _simulated() if row[1] != row[0] or row[2] != "0"] == []


def test_a_bucket_is_emptied_at_once_and_refilled_in_time() -> None:
    bucket = quotas.Bucket(quotas.Quota(bucket=2, refill=1), tokens=2)
    assert [bucket.take(now) for now in (0, 0, 0, 0.5, 1.0, 1.5)] == [True, True, False, False, True, False]
    assert [bucket.take(now) for now in (100, 100, 100)] == [True, True, False]


def _simulated() -> list[tuple[str, ...]]:
    assert re.search(r"polled every 30 seconds", PAGE)
    return [tuple(row) for row in rows("## Beyond the limit")]

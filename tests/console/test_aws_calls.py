"""An open page stays within its number of requests, however much each reading costs."""

from __future__ import annotations

import random

import pytest

from stepline.aws.target import Target, local_session
from stepline.console.aws_calls import CALLS_PER_MINUTE, CallBudget, Pace, count_calls, counted

AWS = Pace(2.0, CALLS_PER_MINUTE)
LOCAL = Pace(0.4, None)


def readings(pace: Pace, costs: list[int], *, until: float) -> list[tuple[float, int]]:
    """Read as a watch does; the last cost is that of all further readings."""
    budget, now = CallBudget(pace), 0.0
    found: list[tuple[float, int]] = []
    while now <= until:
        calls = costs[min(len(found), len(costs) - 1)]
        budget.add(now, calls)
        found.append((now, calls))
        now = budget.next_reading(now, is_live=True)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_changes_at_any_time_stay_within_the_limit(seed: int) -> None:
    dice = random.Random(seed)
    costs = [9, *(5 if dice.random() < 0.15 else 1 for _ in range(300))]
    found = readings(AWS, costs, until=900)
    for start, _ in found:
        assert sum(calls for time, calls in found if start <= time < start + 60) <= CALLS_PER_MINUTE


@pytest.mark.parametrize(
    "costs", [[1], [2], [3], [5], [9, 2], [1, 1, 5, 1], [20, 1], [12, 0], [7, *([1] * 11), 5, 1, 1, 5]]
)
def test_no_minute_has_more_requests_than_the_limit(costs: list[int]) -> None:
    found = readings(AWS, costs, until=600)
    for start, _ in found:
        assert sum(calls for time, calls in found if start <= time < start + 60) <= CALLS_PER_MINUTE


def test_readings_are_spread_over_the_minute() -> None:
    times = [time for time, _ in readings(AWS, [4], until=120)]
    assert times[:4] == [0, 15, 30, 45]


def test_reading_that_costs_more_than_the_limit_is_repeated_after_a_minute_or_more() -> None:
    first, second = [time for time, _ in readings(AWS, [50], until=200)][:2]
    assert second - first == pytest.approx(187.5)


def test_local_aws_is_read_often() -> None:
    assert len(readings(LOCAL, [9], until=2)) == 6


def test_what_has_ended_is_read_once_a_minute() -> None:
    assert CallBudget(LOCAL).next_reading(100.0, is_live=False) == 160.0


def test_each_request_counts_once_for_the_reading_that_sent_it() -> None:
    target = Target(local_session("us-east-1"), "http://127.0.0.1:9", "us-east-1", None, True)
    count_calls(target)
    client = target.client("sts")

    def read() -> str:
        for _ in range(2):
            with pytest.raises(Exception, match="Could not connect"):
                client.get_caller_identity()
        return "read"

    attempts = client.meta.config.retries["total_max_attempts"]
    assert counted(read) == ("read", 2 * attempts)
    assert counted(lambda: "nothing") == ("nothing", 0)

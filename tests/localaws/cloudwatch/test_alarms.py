"""The states of alarms, given the values of a metric."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.localaws.cloudwatch import evaluate, windows

COUNT: dict[str, Any] = {
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}


@pytest.mark.parametrize(
    ("changes", "values", "expected"),
    [
        ({}, [1.0], "ALARM"),
        ({}, [0.0], "OK"),
        ({}, [None], "OK"),
        ({"TreatMissingData": "missing"}, [None], "INSUFFICIENT_DATA"),
        ({"TreatMissingData": "ignore"}, [None], None),
        ({"TreatMissingData": "breaching"}, [None], "ALARM"),
        ({"TreatMissingData": None}, [None], "INSUFFICIENT_DATA"),
        ({"EvaluationPeriods": 3}, [1.0, 1.0, None], "OK"),
        ({"EvaluationPeriods": 3}, [1.0, 1.0, 1.0], "ALARM"),
        ({"EvaluationPeriods": 3, "DatapointsToAlarm": 2}, [1.0, 0.0, 1.0], "ALARM"),
        ({"ComparisonOperator": "GreaterThanThreshold"}, [1.0], "OK"),
        ({"ComparisonOperator": "LessThanThreshold"}, [0.5], "ALARM"),
        ({"ComparisonOperator": "LessThanOrEqualToThreshold"}, [1.0], "ALARM"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, [1.0], None),
    ],
)
def test_state_follows_from_the_values(
    changes: dict[str, Any], values: list[float | None], expected: str | None
) -> None:
    state = evaluate({**COUNT, **changes}, values)
    assert (state and state.value) == expected


def test_reason_has_the_values_and_the_threshold() -> None:
    state = evaluate(COUNT, [2.0])
    assert state is not None
    assert state.reason == "Threshold Crossed: [2.0] was greater than or equal to the threshold (1.0)."


def test_periods_end_now() -> None:
    alarm = {"Period": 60, "EvaluationPeriods": 2}
    assert list(windows(alarm, 1_000.0)) == [(940.0, 1_000.0), (880.0, 940.0)]

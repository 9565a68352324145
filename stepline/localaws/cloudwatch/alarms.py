"""Evaluates alarms on one metric.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Alarm = Mapping[str, Any]
"""An alarm in the shape of the API."""

_OPERATORS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class AlarmState:
    value: str
    reason: str


def windows(alarm: Alarm, now: float) -> Iterator[tuple[float, float]]:
    """Yield begin (excluded) and end of each period that is evaluated, in seconds, the latest first.

    On AWS, periods begin at full minutes or hours; here the last one ends now, so that nobody has to wait.
    """
    seconds = alarm.get("Period") or 60
    for index in range(alarm.get("EvaluationPeriods") or 1):
        yield now - (index + 1) * seconds, now - index * seconds


def evaluate(alarm: Alarm, values: Sequence[float | None]) -> AlarmState | None:
    """Return the state, given the value of each period, or None for the periods without data.

    Returns None if the state stays as it is: the alarm ignores missing data, or has an unknown operator.
    """
    known = [value for value in values if value is not None]
    treatment = alarm.get("TreatMissingData") or "missing"
    if alarm.get("ComparisonOperator") not in _OPERATORS or (not known and treatment == "ignore"):
        return None
    if not known and treatment == "missing":
        return AlarmState("INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received.")
    is_breaching, words = _OPERATORS[alarm["ComparisonOperator"]]
    threshold = float(alarm["Threshold"])
    missing = len(values) - len(known) if treatment == "breaching" else 0
    breaching = missing + sum(is_breaching(value, threshold) for value in known)
    needed = alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods") or 1
    if not known:
        reason = f"no datapoints were received, and missing datapoints were treated as [{treatment}]."
    else:
        is_or_not = "was" if breaching >= needed else "was not"
        reason = f"{known} {is_or_not} {words} the threshold ({threshold})."
    return AlarmState("ALARM" if breaching >= needed else "OK", f"Threshold Crossed: {reason}")

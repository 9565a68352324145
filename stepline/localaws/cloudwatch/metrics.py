"""The metrics of executions of Step Functions, and those that functions write to their logs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepline.localaws.events import AwsEvent

_STATUSES = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
"""The metric of each status [Step Functions guide, "Monitoring Step Functions metrics using CloudWatch"]."""


@dataclass(frozen=True)
class Metric:
    """One value of a metric, at the present time."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    value: float = 1.0
    unit: str = "Count"


def execution_metrics(event: AwsEvent) -> Iterator[Metric]:
    """Yield the metrics of an event with the status of an execution; none of other events."""
    if event.source != "aws.states" or event.detail.get("status") not in _STATUSES:
        return
    detail = event.detail
    dimensions = {"StateMachineArn": str(detail["stateMachineArn"])}
    yield Metric("AWS/States", _STATUSES[detail["status"]], dimensions)
    if detail["stopDate"] is not None:
        milliseconds = detail["stopDate"] - detail["startDate"]
        yield Metric("AWS/States", "ExecutionTime", dimensions, milliseconds, "Milliseconds")


def embedded_metrics(log: str) -> Iterator[Metric]:
    """Yield the metrics in the log of a function, in the embedded metric format.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for line in log.splitlines():
        if '"CloudWatchMetrics"' in line:
            try:
                yield from _metrics_of(json.loads(line))
            except (AttributeError, KeyError, TypeError, ValueError):  # CloudWatch ignores what is not valid
                continue


def _metrics_of(document: Mapping[str, Any]) -> Iterator[Metric]:
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    unit = metric.get("Unit", "None")
                    yield Metric(directive["Namespace"], metric["Name"], dimensions, float(value), unit)

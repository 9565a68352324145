"""The metrics of executions, and those in the logs of functions."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from stepline.localaws.cloudwatch import Metric, embedded_metrics, execution_metrics
from stepline.localaws.events import AwsEvent

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:deploy"
DIMENSIONS = {"StateMachineArn": MACHINE}


def event(status: str, **changes: Any) -> AwsEvent:
    detail = {"status": status, "stateMachineArn": MACHINE, "startDate": 1_000, "stopDate": None, **changes}
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return AwsEvent("aws.states", "Step Functions Execution Status Change", detail, now)


def test_started_execution_is_counted() -> None:
    assert list(execution_metrics(event("RUNNING"))) == [
        Metric("AWS/States", "ExecutionsStarted", DIMENSIONS)
    ]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("SUCCEEDED", "ExecutionsSucceeded"),
        ("FAILED", "ExecutionsFailed"),
        ("TIMED_OUT", "ExecutionsTimedOut"),
        ("ABORTED", "ExecutionsAborted"),
    ],
)
def test_ended_execution_is_counted_and_measured(status: str, name: str) -> None:
    assert list(execution_metrics(event(status, stopDate=3_500))) == [
        Metric("AWS/States", name, DIMENSIONS),
        Metric("AWS/States", "ExecutionTime", DIMENSIONS, 2_500, "Milliseconds"),
    ]


def test_other_events_have_no_metrics() -> None:
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    assert list(execution_metrics(AwsEvent("aws.codepipeline", "x", {"status": "FAILED"}, now))) == []


def test_metrics_of_powertools_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = EphemeralMetrics(service="stack-trigger", namespace="stepline")
    metrics.add_metric("JobsClosed", MetricUnit.Count, 1)
    metrics.flush_metrics()
    log = f"START\n{capsys.readouterr().out}END"
    assert list(embedded_metrics(log)) == [
        Metric("stepline", "JobsClosed", {"service": "stack-trigger"}, 1.0, "Count")
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"CloudWatchMetrics"',
        '["CloudWatchMetrics"]',
        json.dumps({"_aws": {"CloudWatchMetrics": [{"Dimensions": [["missing"]], "Metrics": []}]}}),
        json.dumps({"_aws": {"CloudWatchMetrics": 1}}),
    ],
)
def test_invalid_lines_are_ignored(line: str) -> None:
    assert list(embedded_metrics(f"{line}\n")) == []

"""Reads the bodies of dashboards.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.template.resolved import resolved

GRID_WIDTH = 24
TYPES = {"metric", "text", "log", "alarm"}

# Metrics and dimensions as AWS documents them:
# https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
DOCUMENTED: dict[str, tuple[set[str], set[str]]] = {
    "AWS/States": (
        {
            "ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut",
            "ExecutionsAborted", "ExecutionThrottled", "ExecutionTime",
        },
        {"StateMachineArn"},
    ),
    "AWS/ApiGateway": (
        {"Count", "4XXError", "5XXError", "Latency", "IntegrationLatency", "CacheHitCount", "CacheMissCount"},
        {"ApiName", "Stage"},
    ),
    "AWS/Lambda": (
        {
            "Invocations", "Errors", "Duration", "Throttles", "ConcurrentExecutions", "AsyncEventAge",
            "AsyncEventsDropped",
        },
        {"FunctionName"},
    ),
    "AWS/Events": ({"FailedInvocations"}, {"RuleName"}),
    "AWS/S3": ({"NumberOfObjects", "BucketSizeBytes"}, {"BucketName", "StorageType"}),
}  # fmt: skip


def widgets_of(path: str, **parameters: str) -> list[dict[str, Any]]:
    resources = resolved(path, **parameters).resources
    body: dict[str, list[dict[str, Any]]] = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"])
    assert body.keys() == {"widgets"}
    return body["widgets"]


def metrics_of(widget: dict[str, Any]) -> list[tuple[list[str], dict[str, Any]]]:
    """Return the fields of each metric, without the abbreviations `.` and `...`, and its options."""
    metrics: list[tuple[list[str], dict[str, Any]]] = []
    for row in widget["properties"].get("metrics", []):
        options = row[-1] if isinstance(row[-1], dict) else {}
        fields = [field for field in row if isinstance(field, str)]
        if not fields:  # an expression
            pass
        elif metrics and fields[0] == "...":
            fields = metrics[-1][0]
        elif metrics:
            before = itertools.chain(metrics[-1][0], itertools.repeat(""))
            fields = [last if field == "." else field for field, last in zip(fields, before, strict=False)]
        metrics.append((fields, options))
    return metrics


def assert_grid_is_filled(widgets: list[dict[str, Any]]) -> None:
    """Assert that the widgets neither overlap nor leave a part of the grid empty."""
    cells: set[tuple[int, int]] = set()
    for widget in widgets:
        assert widget.keys() == {"type", "x", "y", "width", "height", "properties"}
        assert widget["type"] in TYPES
        assert widget["x"] + widget["width"] <= GRID_WIDTH
        for cell in itertools.product(
            range(widget["x"], widget["x"] + widget["width"]),
            range(widget["y"], widget["y"] + widget["height"]),
        ):
            assert cell not in cells, f"{widget['properties'].get('title')} overlaps another widget"
            cells.add(cell)
    assert len(cells) == GRID_WIDTH * (1 + max(y for _, y in cells)), "a part of the grid is empty"

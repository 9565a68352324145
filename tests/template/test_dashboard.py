"""The dashboard of the process is valid, and shows all of its resources.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.template.dashboards import DOCUMENTED, assert_grid_is_filled, metrics_of, widgets_of
from tests.template.resolved import resolved

DASHBOARD = "statemachines/process/dashboard.yaml"
PROCESS = "statemachines/process/template.yaml"
STACK = "some-process"
BUCKET = "some-bucket"

VIEWS = {"timeSeries", "bar", "pie", "table", "gauge", "singleValue"}
STATISTIC = re.compile(r"Average|Sum|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?")
RESOURCES = resolved(DASHBOARD, ProcessStackName=STACK, DataBucketName=BUCKET).resources
ALARMS = {
    name: resource for name, resource in RESOURCES.items() if resource["Type"] == "AWS::CloudWatch::Alarm"
}


WIDGETS = widgets_of(DASHBOARD, ProcessStackName=STACK, DataBucketName=BUCKET)


def _process() -> dict[str, dict[str, Any]]:
    """Return the resources of the process, in the stack that the dashboard shows."""
    text = (
        json.dumps(resolved(PROCESS).resources)
        .replace('"stack', f'"{STACK}')
        .replace("/stack-", f"/{STACK}-")
    )
    resources: dict[str, dict[str, Any]] = json.loads(text)
    return resources


def _named(kind: str, name: str) -> set[str]:
    """Return the property `name` of the process's resources of the type `kind`."""
    return {resource["Properties"][name] for resource in _process().values() if resource["Type"] == kind}


ALL_METRICS = [(widget, *metric) for widget in WIDGETS for metric in metrics_of(widget)]


def test_widgets_fill_the_grid_without_overlapping() -> None:
    assert_grid_is_filled(WIDGETS)


@pytest.mark.parametrize(
    "widget", WIDGETS, ids=lambda widget: widget["properties"].get("title", widget["type"])
)
def test_widget_has_the_properties_of_its_type(widget: dict[str, Any]) -> None:
    properties = widget["properties"]
    match widget["type"]:
        case "metric":
            assert properties["region"] == "eu-west-1"
            assert properties["view"] in VIEWS
            assert properties["period"] % 60 == 0
            assert 0 < len(properties["metrics"]) <= 500
        case "log":
            assert properties["region"] == "eu-west-1"
            assert "SOURCE '/aws/lambda/" in properties["query"]
        case "alarm":
            assert properties["alarms"] == [f"{name}.Arn" for name in ALARMS]
        case _:
            assert properties["markdown"]


@pytest.mark.parametrize(("widget", "fields", "options"), ALL_METRICS)
def test_metric_has_a_documented_name_dimensions_and_statistic(
    widget: dict[str, Any], fields: list[str], options: dict[str, Any]
) -> None:
    namespace, name, *dimensions = fields
    names, documented_dimensions = DOCUMENTED[namespace]
    assert name in names
    assert set(dimensions[::2]) == documented_dimensions
    assert all(dimensions[1::2])
    assert STATISTIC.fullmatch(options.get("stat") or widget["properties"]["stat"])


def test_dashboard_shows_exactly_the_resources_of_the_process() -> None:
    shown: dict[str, set[str]] = {}
    for _, fields, _ in ALL_METRICS:
        for dimension, value in zip(fields[2::2], fields[3::2], strict=True):
            shown.setdefault(dimension, set()).add(value)
    machines = {arn.rpartition(":")[2] for arn in shown["StateMachineArn"]}
    assert machines == _named("AWS::Serverless::StateMachine", "Name")
    assert shown["FunctionName"] == _named("AWS::Serverless::Function", "FunctionName")
    assert shown["ApiName"] == _named("AWS::Serverless::Api", "Name")
    assert shown["Stage"] == _named("AWS::Serverless::Api", "StageName")
    assert shown["BucketName"] == {BUCKET}


def test_log_query_has_the_log_groups_of_all_functions() -> None:
    (query,) = (widget["properties"]["query"] for widget in WIDGETS if widget["type"] == "log")
    groups = _named("AWS::Logs::LogGroup", "LogGroupName")
    of_functions = {group for group in groups if group.startswith("/aws/lambda/")}
    assert set(re.findall("SOURCE '(.*?)'", query)) == of_functions


def test_dashboard_without_a_bucket_has_no_metrics_of_s3() -> None:
    without = widgets_of(DASHBOARD, ProcessStackName=STACK)
    assert without == WIDGETS[:-1]
    assert "AWS/S3" not in json.dumps(without)


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_has_a_metric_of_the_dashboard_and_notifies_only_the_given_topic(name: str) -> None:
    properties = ALARMS[name]["Properties"]
    dimensions = [text for item in properties["Dimensions"] for text in (item["Name"], item["Value"])]
    shown = [fields for _, fields, _ in ALL_METRICS]
    assert [properties["Namespace"], properties["MetricName"], *dimensions] in shown
    assert "AlarmActions" not in properties
    topic = "arn:aws:sns:eu-west-1:111122223333:alarms"
    notifying = resolved(DASHBOARD, AlarmTopicArn=topic).resources[name]["Properties"]
    assert notifying["AlarmActions"] == notifying["OKActions"] == [topic]

"""The dashboard of the pipeline action is valid, and shows all resources of the pipeline's stack."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.template.dashboards import DOCUMENTED, assert_grid_is_filled, metrics_of, widgets_of
from tests.template.resolved import resolved

STACK, RULE = "stack", "PushRule"
WIDGETS = widgets_of("statemachines/deploy/dashboard.yaml", PipelineStackName=STACK, PushRuleName=RULE)
RESOURCES = resolved("template.yaml").all_resources
METRICS = [fields for widget in WIDGETS for fields, _ in metrics_of(widget)]
OWN_METRICS = {
    "stepline": {
        ("DirtyFailures", "StackName"), ("JobsContinued", "service"), ("JobsSucceeded", "service"),
        ("JobsFailed", "service"), ("JobsClosed", "service"),
    },
    "AWS/States": {("ThrottledEvents", "APIName")},
}  # fmt: skip


def named(kind: str, name: str) -> set[str]:
    return {item["Properties"][name] for item in RESOURCES.values() if item["Type"] == kind}


def test_widgets_fill_the_grid_without_overlapping() -> None:
    assert_grid_is_filled(WIDGETS)


@pytest.mark.parametrize("fields", [fields for fields in METRICS if fields], ids=" ".join)
def test_metric_is_documented(fields: list[str]) -> None:
    namespace, name, *dimensions = fields
    names, documented_dimensions = DOCUMENTED.get(namespace, (set(), set()))
    is_documented = name in names and set(dimensions[::2]) == documented_dimensions
    assert is_documented or (name, dimensions[0]) in OWN_METRICS[namespace]


def test_metrics_of_alarms_are_shown() -> None:
    shown = {tuple(fields[:2]) for fields in METRICS}
    alarms = (item["Properties"] for item in RESOURCES.values() if item["Type"] == "AWS::CloudWatch::Alarm")
    assert {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms} <= shown


def test_clean_failures_are_the_rest() -> None:
    (widget,) = (item for item in WIDGETS if item["properties"].get("title") == "Deployments by end")
    options: dict[str, dict[str, Any]] = {item["id"]: item for _, item in metrics_of(widget) if "id" in item}
    assert options["clean"]["expression"] == "failed - FILL(dirty, 0)"
    assert options.keys() == {"failed", "dirty", "clean"}


def test_dashboard_shows_exactly_the_functions_of_the_stack() -> None:
    shown = {fields[3] for fields in METRICS if fields and fields[0] == "AWS/Lambda"}
    assert shown == named("AWS::Serverless::Function", "FunctionName")
    (query,) = (item["properties"]["query"] for item in WIDGETS if item["type"] == "log")
    groups = {name for name in named("AWS::Logs::LogGroup", "LogGroupName") if "/lambda/" in name}
    assert set(re.findall("SOURCE '(.*?)'", query)) == groups


def test_dashboard_shows_exactly_the_alarms_of_the_stack() -> None:
    (widget,) = (item for item in WIDGETS if item["type"] == "alarm")
    shown = {arn.rpartition(":")[2] for arn in widget["properties"]["alarms"]}
    assert shown == named("AWS::CloudWatch::Alarm", "AlarmName")


def test_dimensions_are_those_of_the_stack() -> None:
    values = {fields[3] for fields in METRICS if fields and fields[0] in {"stepline", "AWS/Events"}}
    assert values == {STACK, f"{STACK}-worker", f"{STACK}-trigger", RULE}
    machines = {fields[3] for fields in METRICS if fields and fields[2] == "StateMachineArn"}
    (machine,) = named("AWS::Serverless::StateMachine", "Name")
    assert {arn.rpartition(":")[2] for arn in machines} == {machine}

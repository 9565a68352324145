"""The message and the metric of a dirty failure."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.history import FailedState, failed_state, parse_event
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import SUBSTITUTIONS, Machine, load_asl

MAX_SUBJECT_CHARACTERS = 99  # "Less than 100 characters" [SNS, Publish]
MAX_STACK_NAME_CHARACTERS = 64  # the names of the functions are longer, and have this limit
FAILED_UPDATE = {
    "stack": {"status": "CREATE_COMPLETE"},
    "resources": {"Queue": {"Properties": {"FailUpdate": "Limit {of} queues' \\n exceeded"}}},
}


def test_message_names_the_stack_the_state_the_error_the_cause_and_the_execution(machine: Machine) -> None:
    execution = case_runner.run(machine, FAILED_UPDATE)
    (message,) = machine.sns.messages
    assert message["TopicArn"] == SUBSTITUTIONS["AlarmTopicArn"]
    arn = ExecutionArn.parse("arn:aws:states:us-east-1:000000000000:execution:deploy:job-1")
    assert arn is not None
    lines = message["Message"].splitlines()
    assert lines[0].startswith("The deployment of the stack dev-app has failed")
    assert "Failed in: Check Stack Update Status" in lines
    assert "Error: StackUpdateFailedError" in lines
    assert f"Cause: {execution.cause}" in lines
    assert f"Execution: {arn.link}" in lines
    command = "aws cloudformation describe-stack-events --region us-east-1 --stack-name dev-app"
    assert f"Events of the stack: {command}" in lines
    assert "Limit {of} queues' \\n exceeded" in execution.cause


def test_metric_is_that_of_the_alarm(machine: Machine) -> None:
    case_runner.run(machine, FAILED_UPDATE)
    (metrics,) = machine.cloudwatch.metrics
    (datum,) = metrics["MetricData"]
    dimension = {"Name": "StackName", "Value": SUBSTITUTIONS["PipelineStackName"]}
    assert (metrics["Namespace"], datum["MetricName"], datum["Value"]) == ("stepline", "DirtyFailures", 1)
    assert datum["Dimensions"] == [dimension]


@pytest.mark.parametrize("name", case_runner.names())
def test_exactly_the_dirty_failures_send_a_message(name: str, machine: Machine) -> None:
    case = case_runner.load(name)
    path = case_runner.run(machine, case).path
    denied = any(fault["operation"] == "Publish" for fault in case.get("faults", []))
    warnings = [item for item in machine.sns.messages if item["Subject"].startswith("Check a stack")]
    assert len(warnings) == (path[-1] == "Failure Dirty" and not denied)


def test_temporary_error_does_not_prevent_the_message(machine: Machine) -> None:
    machine.cloudwatch.fail_next("PutMetricData", "InternalServiceFault", status=500)
    machine.sns.fail_next("Publish", "Throttled", status=429, times=2)
    case_runner.run(machine, FAILED_UPDATE)
    assert (len(machine.cloudwatch.metrics), len(machine.sns.messages)) == (1, 1)


@pytest.mark.parametrize("name", ["notification_denied", "refused_and_not_deletable"])
def test_error_on_the_way_to_the_end_does_not_hide_the_state_that_failed(name: str, machine: Machine) -> None:
    """The pipeline and `stepline watch` reported "Failure Dirty" as the state."""
    execution = case_runner.run(machine, case_runner.load(name))
    history = [parse_event(event) for event in reversed(execution.history)]
    failed = failed_state(history, execution.error)
    first = next(item.partition(": ")[0] for item in execution.path if ": " in item)
    assert failed == FailedState(first, ended_in=execution.path[-1])


def test_subject_fits_with_the_longest_name_of_the_pipelines_stack() -> None:
    subject: Any = load_asl()["States"]["Notify Operators"]["Parameters"]["Subject"]
    longest = subject.replace("${PipelineStackName}", "a" * MAX_STACK_NAME_CHARACTERS)
    assert "$" not in longest
    assert longest.isascii()
    assert len(longest) <= MAX_SUBJECT_CHARACTERS

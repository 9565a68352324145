"""Somebody is notified: of dirty failures by a message, of the rest by alarms, on the deployed pipeline."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.stack_resources import list_all_resources
from stepline.core.executions.arns import ExecutionArn
from tests.end_to_end.local_aws import LocalAws, Outcome, set_input
from tests.waiting import wait_for

pytestmark = [pytest.mark.usefixtures("local_aws"), pytest.mark.xdist_group("local_aws")]

STACK = "stepline"
BROKEN = """
  Broken:
    Type: AWS::SQS::Queue
    Properties: { QueueName: !Sub "${AWS::StackName}-not-called-fifo", FifoQueue: true }
"""
"""CloudFormation accepts it, and SQS refuses it."""


class Inbox:
    """A queue that is subscribed to the topic of the alarms, as docs/alarms.md describes it."""

    def __init__(self, local: LocalAws) -> None:
        self._sqs = local.client("sqs")
        stack = local.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
        self._url = self._sqs.create_queue(QueueName="inbox")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        local.client("sns").subscribe(
            TopicArn=outputs["AlarmTopicArn"],
            Protocol="sqs",
            Endpoint=attributes["Attributes"]["QueueArn"],
        )
        self.received: list[dict[str, Any]] = []

    def clear(self) -> None:
        self.receive()
        self.received = []

    def receive(self) -> None:
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                self.received.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])

    def message(self, subject: str, text: str) -> str:
        """Wait for the message with that text, and return it."""

        def find() -> str | None:
            self.receive()
            found = (item for item in self.received if subject in item.get("Subject", ""))
            return next((str(item["Message"]) for item in found if text in item["Message"]), None)

        return wait_for(find, lambda: f"no message with {subject} and {text} in {self.received}")


@pytest.fixture(scope="module")
def queue(local_aws: LocalAws) -> Inbox:
    return Inbox(local_aws)


@pytest.fixture
def inbox(queue: Inbox) -> Inbox:
    queue.clear()
    return queue


def fail_dirty(local_aws: LocalAws, application: Path, name: str) -> Outcome:
    """Deploy a stack, and then an update that is rolled back."""
    set_input(application, environmentName="test", stackName=name)
    outcome = local_aws.deploy(application)
    assert outcome.status == "Succeeded", outcome
    template = application / "template.yaml"
    template.write_text(template.read_text().replace("Resources:\n", f"Resources:{BROKEN}\n"))
    outcome = local_aws.deploy(application)
    assert outcome.status == "Failed", outcome
    assert local_aws.states(outcome.execution_arn)[-1] == "Failure Dirty"
    return outcome


def alarm_state(local_aws: LocalAws, name: str) -> str:
    (alarm,) = local_aws.client("cloudwatch").describe_alarms(AlarmNames=[f"{STACK}-{name}"])["MetricAlarms"]
    return str(alarm["StateValue"])


def wait_for_alarm(local_aws: LocalAws, name: str) -> None:
    wait_for(
        lambda: alarm_state(local_aws, name) == "ALARM" or None,
        lambda: f"{name} is {alarm_state(local_aws, name)}",
    )


def metric_sum(local_aws: LocalAws, namespace: str, name: str, **dimensions: str) -> float:
    now = datetime.datetime.now(datetime.UTC)
    statistics = local_aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - datetime.timedelta(minutes=30),
        EndTime=now + datetime.timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in statistics["Datapoints"]))


def test_dirty_failure_sends_its_stack_cause_and_link_and_raises_the_alarm(
    local_aws: LocalAws, application: Path, inbox: Inbox
) -> None:
    outcome = fail_dirty(local_aws, application, "told")
    message = inbox.message("Check a stack that stepline deploys", "test-told")
    arn = ExecutionArn.parse(outcome.execution_arn)
    assert arn is not None
    assert f"Execution: {arn.link}\n" in message
    assert "Failed in: Check Stack Update Status\n" in message
    assert "Error: StackUpdateFailedError\n" in message
    assert "Cause: Broken (AWS::SQS::Queue)" in message
    alarm = json.loads(inbox.message('ALARM: "stepline-dirty-failures"', "someone must check the stack"))
    assert (alarm["NewStateValue"], alarm["Trigger"]["MetricName"]) == ("ALARM", "DirtyFailures")
    assert alarm_state(local_aws, "dirty-failures") == "ALARM"
    assert metric_sum(local_aws, "stepline", "DirtyFailures", StackName=STACK) >= 1


def test_denied_notification_does_not_change_the_result(
    local_aws: LocalAws, application: Path, inbox: Inbox, denied_notifications: None
) -> None:
    outcome = fail_dirty(local_aws, application, "denied")
    assert outcome.error.startswith("Check Stack Update Status: StackUpdateFailedError: Broken")
    states = local_aws.states(outcome.execution_arn)
    assert states[-3:] == ["Count Dirty Failure", "Notify Operators", "Failure Dirty"]
    inbox.receive()
    assert not [item for item in inbox.received if "test-denied" in item["Message"]]


@pytest.fixture
def denied_notifications(local_aws: LocalAws) -> Iterator[None]:
    resources = list_all_resources(local_aws.client("cloudformation"), STACK)
    names = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources}
    policy = {"RoleName": names["DeployStateMachineRole"], "PolicyName": "deny"}
    actions = ["sns:Publish", "cloudwatch:PutMetricData"]
    statement = {"Effect": "Deny", "Action": actions, "Resource": "*"}
    iam = local_aws.client("iam")
    iam.put_role_policy(**policy, PolicyDocument=json.dumps({"Statement": [statement]}))
    yield
    iam.delete_role_policy(**policy)


def test_failing_trigger_raises_an_alarm(local_aws: LocalAws, inbox: Inbox) -> None:
    response = local_aws.client("lambda").invoke(FunctionName=f"{STACK}-trigger", Payload=b"{}")
    assert "FunctionError" in response
    wait_for_alarm(local_aws, "trigger-errors")
    assert "stepline logs stepline-trigger" in inbox.message('"stepline-trigger-errors"', "ALARM")


def test_result_of_a_closed_job_raises_an_alarm(local_aws: LocalAws, application: Path) -> None:
    """The event of a job arrives again after its result."""
    set_input(application, environmentName="test", stackName="closed")
    first_job = local_aws.deploy(application).execution_arn.rpartition(":codepipeline-")[2]
    job = {"id": first_job, "accountId": "000000000000", "data": {}}
    response = local_aws.client("lambda").invoke(
        FunctionName=f"{STACK}-trigger", Payload=json.dumps({"CodePipeline.job": job}).encode()
    )
    assert "FunctionError" not in response, response["Payload"].read()
    wait_for_alarm(local_aws, "closed-jobs")
    assert metric_sum(local_aws, "stepline", "JobsClosed", service="stepline-trigger") >= 1


def test_stopped_execution_raises_an_alarm(local_aws: LocalAws) -> None:
    states = local_aws.client("stepfunctions")
    (machine,) = (
        item["stateMachineArn"]
        for item in states.list_state_machines()["stateMachines"]
        if item["name"] == f"{STACK}-deploy"
    )

    def stop_execution() -> bool | None:
        """Return True if the execution was stopped before it failed because of its input."""
        execution = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
        states.stop_execution(executionArn=execution)
        return states.describe_execution(executionArn=execution)["status"] == "ABORTED" or None

    wait_for(stop_execution, lambda: "each execution ended before it was stopped")
    wait_for_alarm(local_aws, "stopped-deployments")
    assert metric_sum(local_aws, "AWS/States", "ExecutionsAborted", StateMachineArn=machine) >= 1


def test_alarms_without_a_cause_are_ok(local_aws: LocalAws) -> None:
    wait_for(
        lambda: alarm_state(local_aws, "timed-out-deployments") == "OK" or None,
        lambda: "the alarm has no data",
    )


KEY_OF_AWS = "alias/aws/sns"


@pytest.mark.parametrize(
    ("attributes", "is_published"),
    [
        ({}, True),
        ({"Policy": json.dumps({"Version": "2012-10-17", "Statement": []})}, False),
        ({"KmsMasterKeyId": KEY_OF_AWS}, False),
    ],
    ids=["default policy", "policy without CloudWatch", "key of AWS"],
)
def test_alarm_publishes_only_to_a_topic_that_cloudwatch_may_use(
    local_aws: LocalAws, attributes: dict[str, str], is_published: bool
) -> None:
    """On AWS the message is lost in the same way, and only the history of the alarm shows it."""
    name = uuid.uuid4().hex
    sqs, cloudwatch = local_aws.client("sqs"), local_aws.client("cloudwatch")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = local_aws.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]
    local_aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=name,
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[topic],
    )
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "Errors", "Value": 1}])

    def has_notified() -> bool:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return bool(alarm["StateValue"] == "ALARM")

    wait_for(has_notified)
    # The message is sent with the change of the state, except for some milliseconds.
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
    assert bool(messages) == is_published

"""The alarms of all templates: they notify the topic, and say what happened and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template.resolved import resolved

TOPIC = "arn:aws:sns:eu-west-1:111122223333:other"
PIPELINE = "template.yaml"
SYSTEMS = [f"statemachines/{name}/template.yaml" for name in ("batch", "s3_trigger", "workflow")]
TEMPLATES = [PIPELINE, *SYSTEMS]
MAX_DESCRIPTION_CHARACTERS = 1_024  # [PutMetricAlarm]


def of_type(path: str, kind: str, **parameters: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of that type."""
    return {
        name: resource["Properties"]
        for name, resource in resolved(path, **parameters).all_resources.items()
        if resource["Type"] == kind
    }


def alarms(path: str, **parameters: str) -> dict[str, dict[str, Any]]:
    return of_type(path, "AWS::CloudWatch::Alarm", **parameters)


ALARMS = [(path, name) for path in TEMPLATES for name in alarms(path)]


@pytest.mark.parametrize(("path", "name"), ALARMS)
def test_description_says_what_happened_and_what_to_do(path: str, name: str) -> None:
    text = alarms(path)[name]["AlarmDescription"]
    assert "\n" not in text
    assert text.count(". ") >= 1
    assert "aws " in text or "stepline " in text or "Service Quotas" in text
    assert len(text) <= MAX_DESCRIPTION_CHARACTERS


@pytest.mark.parametrize(("path", "name"), ALARMS)
def test_alarm_publishes_when_it_starts_and_not_when_it_ends(path: str, name: str) -> None:
    """A count returns to 0 by itself: an OK message would say that the failure is repaired."""
    alarm = alarms(path, AlarmTopicArn=TOPIC)[name]
    assert alarm["AlarmActions"] == [TOPIC]
    assert "OKActions" not in alarm
    assert "InsufficientDataActions" not in alarm
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["EvaluationPeriods"] == 1


def test_pipeline_has_a_topic_of_its_own_unless_one_is_given() -> None:
    assert set(of_type(PIPELINE, "AWS::SNS::Topic")) == {"AlarmTopic"}
    assert of_type(PIPELINE, "AWS::SNS::Topic", AlarmTopicArn=TOPIC) == {}
    for alarm in alarms(PIPELINE).values():
        assert alarm["AlarmActions"] == ["AlarmTopic"]


def test_messages_of_the_topic_are_encrypted_with_a_key_that_cloudwatch_may_use() -> None:
    """Alarms cannot publish to a topic that is encrypted with the key of AWS, `alias/aws/sns`."""
    (topic,) = of_type(PIPELINE, "AWS::SNS::Topic").values()
    assert topic["KmsMasterKeyId"] == "Key.Arn"
    (key,) = of_type(PIPELINE, "AWS::KMS::Key").values()
    (statement,) = (
        item
        for item in key["KeyPolicy"]["Statement"]
        if item["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    )
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}


@pytest.mark.parametrize("topic", ["", TOPIC])
@pytest.mark.parametrize("email", ["", "operators@example.com"])
def test_email_address_subscribes_to_the_topic_in_use(email: str, topic: str) -> None:
    subscriptions = of_type(PIPELINE, "AWS::SNS::Subscription", AlarmEmail=email, AlarmTopicArn=topic)
    expected = {"Endpoint": email, "Protocol": "email", "TopicArn": topic or "AlarmTopic"}
    assert list(subscriptions.values()) == ([expected] if email else [])


def test_metric_of_dirty_failures_may_be_written_only_to_its_namespace() -> None:
    policies = of_type(PIPELINE, "AWS::IAM::Role")["DeployStateMachineRole"]["Policies"]
    statements = [item for policy in policies for item in policy["PolicyDocument"]["Statement"]]
    (statement,) = (item for item in statements if item["Action"] == "cloudwatch:PutMetricData")
    (alarm,) = (item for item in alarms(PIPELINE).values() if item["MetricName"] == "DirtyFailures")
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": alarm["Namespace"]}}


def test_metrics_of_the_trigger_have_a_dimension_of_the_stack() -> None:
    """The metrics of two pipelines in one account would be added."""
    function = of_type(PIPELINE, "AWS::Serverless::Function")["TriggerFunction"]
    service = function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    (alarm,) = (item for item in alarms(PIPELINE).values() if item["MetricName"] == "JobsClosed")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": service}]
    assert service == "stack-trigger"


@pytest.mark.parametrize("path", SYSTEMS)
def test_alarms_of_a_system_without_a_topic_are_only_shown(path: str) -> None:
    assert alarms(path)
    assert all("AlarmActions" not in alarm for alarm in alarms(path).values())


def test_alarms_of_the_process_say_what_to_do() -> None:
    for alarm in alarms("statemachines/process/dashboard.yaml").values():
        assert "aws " in alarm["AlarmDescription"]


def test_alarm_of_lost_events_lasts_until_the_messages_are_deleted() -> None:
    alarm = alarms("statemachines/s3_trigger/template.yaml")["LostEventsAlarm"]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("ApproximateNumberOfMessagesVisible", "Maximum")


def test_alarms_of_the_trigger_see_all_ways_to_lose_a_job() -> None:
    """The failed event is not kept, because it contains credentials: the metric counts it."""
    metrics = {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms(PIPELINE).values()}
    assert {
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/Lambda", "AsyncEventsDropped"),
        ("stepline", "JobsClosed"),
        ("AWS/Events", "FailedInvocations"),
    } <= metrics
    configuration = of_type(PIPELINE, "AWS::Serverless::Function")["TriggerFunction"]["EventInvokeConfig"]
    assert "DestinationConfig" not in configuration

"""Objects written to S3 start executions; the write is detected by S3's events or by a trail."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from stepline.deployment.stack import deploy
from tests.end_to_end.local_aws import LocalAws
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("systems")

STACK = "stepline-s3-trigger"
REGION = "us-east-1"
TRAIL_STACK = "stepline-s3-trail"
PART_BYTES = 5 * 1024 * 1024  # the minimum of S3, except for the last part
PREFIX, SUFFIX = "in/", ".csv"
CONTENT = b"id,amount\n1,2\n"


class Trigger:
    """A deployed stack, with its bucket and the executions that it has started."""

    def __init__(self, local: LocalAws, stack: str) -> None:
        self.local = local
        self.s3 = local.client("s3")
        described = local.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        self.outputs = {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}
        self.bucket = self.outputs["TargetBucketName"]

    def write(self, key: str, content: bytes = CONTENT) -> str:
        """Write an object and return its version."""
        return str(self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)["VersionId"])

    def upload_in_parts(self, key: str) -> str:
        target = {"Bucket": self.bucket, "Key": key}
        upload = {**target, "UploadId": self.s3.create_multipart_upload(**target)["UploadId"]}
        parts = []
        for number, content in enumerate((b"x" * PART_BYTES, b"y"), start=1):
            response = self.s3.upload_part(**upload, PartNumber=number, Body=content)
            parts.append({"PartNumber": number, "ETag": response["ETag"]})
        return str(self.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["VersionId"])

    def copy(self, source: str, key: str) -> str:
        response = self.s3.copy_object(
            Bucket=self.bucket, Key=key, CopySource={"Bucket": self.bucket, "Key": source}
        )
        return str(response["VersionId"])

    def executions(self) -> list[Any]:
        """Return the descriptions of the executions that have ended."""
        states = self.local.client("stepfunctions")
        listed = states.list_executions(stateMachineArn=self.outputs["StateMachineArn"])["executions"]
        return [
            states.describe_execution(executionArn=e["executionArn"])
            for e in listed
            if e["status"] != "RUNNING"
        ]

    def execution_of(self, key: str, version: str) -> Any:
        """Wait until the execution for an object has succeeded, and return its description."""
        version_of_object = {"bucket": self.bucket, "key": key, "version": version}

        def find() -> Any:
            ended = self.executions()
            return next(
                (e for e in ended if json.loads(e["input"]).items() >= version_of_object.items()), None
            )

        execution = wait_for(find, lambda: f"no execution for {version_of_object} has ended")
        assert execution["status"] == "SUCCEEDED", execution
        return execution

    def lost_event(self, text: str) -> Any:
        """Wait for the message with that text in the queue of lost events, and return it."""
        sqs = self.local.client("sqs")

        def find() -> Any:
            response = sqs.receive_message(
                QueueUrl=self.outputs["LostEventsQueueUrl"],
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                VisibilityTimeout=0,
            )
            return next((m for m in response.get("Messages", []) if text in m["Body"]), None)

        return wait_for(find, lambda: f"the queue of lost events has no message with {text}")


@pytest.fixture(scope="module")
def trail_stack(systems: LocalAws) -> Iterator[str]:
    """A second stack, with a trail and filters; its name."""
    deploy(
        systems.project / "statemachines/s3_trigger/template.yaml",
        stack_name=TRAIL_STACK,
        session=boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION),
        endpoint_url=systems.endpoint_url,
        parameters={"Detection": "CloudTrail", "KeyPrefix": PREFIX, "KeySuffix": SUFFIX},
        report=lambda _line: None,
    )
    yield TRAIL_STACK
    cloudformation = systems.client("cloudformation")
    cloudformation.delete_stack(StackName=TRAIL_STACK)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=TRAIL_STACK, WaiterConfig={"Delay": 0, "MaxAttempts": 1_000})


@pytest.mark.parametrize("stack", [STACK, TRAIL_STACK])
def test_every_way_to_write_an_object_starts_one_execution(
    stack: str, systems: LocalAws, trail_stack: str
) -> None:
    trigger = Trigger(systems, stack)
    run = uuid.uuid4().hex
    key = f"{PREFIX}{run}/a+b %20 ö{SUFFIX}"
    first, second = trigger.write(key), trigger.write(key)
    parts, copy = f"{PREFIX}{run}/parts{SUFFIX}", f"{PREFIX}{run}/copy{SUFFIX}"
    written = [(key, first), (key, second), (parts, trigger.upload_in_parts(parts))]
    written.append((copy, trigger.copy(key, copy)))
    trigger.s3.delete_object(Bucket=trigger.bucket, Key=key)
    started = [trigger.execution_of(*item) for item in written]
    assert [json.loads(e["input"])["size"] for e in started] == [14, 14, PART_BYTES + 1, 14]
    assert json.loads(started[0]["output"])["lines"] == 2
    assert all(e["name"].startswith(f"in-{run}-") for e in started)
    assert sum(run in e["name"] for e in trigger.executions()) == len(written)


def test_only_keys_with_prefix_and_suffix_start_an_execution(systems: LocalAws, trail_stack: str) -> None:
    trigger = Trigger(systems, trail_stack)
    run = uuid.uuid4().hex
    ignored = (f"out/{run}{SUFFIX}", f"{PREFIX}{run}.txt", f"{run}{SUFFIX}", f"{PREFIX}{run}{SUFFIX}.gz")
    for key in ignored:
        trigger.write(key)
    last = f"{PREFIX}{run}/last{SUFFIX}"
    trigger.execution_of(last, trigger.write(last))
    assert [e["name"] for e in trigger.executions() if run in e["name"]] == [
        trigger.execution_of(last, trigger.s3.head_object(Bucket=trigger.bucket, Key=last)["VersionId"])[
            "name"
        ]
    ]


@pytest.mark.parametrize(
    ("key", "matches"),
    [
        ("in/a.csv", True), ("in/.csv", True), ("in/b/c d+é.csv", True), ("in/x*y.csv", True),
        ("in/a.csv.gz", False), ("out/in/a.csv", False), ("IN/a.csv", False), ("in.csv", False),
    ],
)  # fmt: skip
def test_rule_matches_successful_writes_of_keys_with_prefix_and_suffix(
    key: str, matches: bool, systems: LocalAws, trail_stack: str
) -> None:
    events = systems.client("events")
    stack = systems.client("cloudformation").describe_stack_resource(
        StackName=trail_stack, LogicalResourceId="WriteRule"
    )["StackResourceDetail"]
    rule = events.describe_rule(Name=stack["PhysicalResourceId"].rpartition("|")[2])
    record = {
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "requestParameters": {"bucketName": Trigger(systems, trail_stack).bucket, "key": key},
    }
    for detail, expected in ((record, matches), (record | {"errorCode": "AccessDenied"}, False)):
        event = {
            "id": "1",
            "account": "000000000000",
            "source": "aws.s3",
            "time": "2026-11-21T08:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail-type": "AWS API Call via CloudTrail",
            "detail": detail,
        }
        tested = events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))
        assert tested["Result"] is expected


def test_trail_records_writes_and_no_reads(systems: LocalAws, trail_stack: str) -> None:
    trigger = Trigger(systems, trail_stack)
    key = f"{PREFIX}{uuid.uuid4().hex}{SUFFIX}"
    trigger.write(key)
    trigger.s3.get_object(Bucket=trigger.bucket, Key=key)["Body"].read()

    def records() -> list[Any]:
        bucket = trigger.outputs["TrailBucketName"]
        files = trigger.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        bodies = [trigger.s3.get_object(Bucket=bucket, Key=f["Key"])["Body"].read() for f in files]
        all_records = [record for body in bodies for record in json.loads(gzip.decompress(body))["Records"]]
        return [r for r in all_records if r["requestParameters"].get("key") == key]

    (record,) = wait_for(records, lambda: f"the trail has no record of {key}")
    assert (record["eventName"], record["additionalEventData"]["bytesTransferredIn"]) == ("PutObject", 14)


def test_trail_is_refused_if_the_bucket_policy_does_not_allow_cloudtrail_to_write(systems: LocalAws) -> None:
    bucket = f"no-trail-{uuid.uuid4().hex}"
    systems.client("s3").create_bucket(Bucket=bucket)
    with pytest.raises(ClientError, match="Incorrect S3 bucket policy is detected for bucket"):
        systems.client("cloudtrail").create_trail(Name="t", S3BucketName=bucket)


def test_invalid_event_is_kept_in_the_queue_of_lost_events(systems: LocalAws) -> None:
    """The function is invoked as EventBridge invokes it, and fails in each of three attempts."""
    trigger = Trigger(systems, STACK)
    event = {"detail-type": "Object Created", "marker": uuid.uuid4().hex}
    systems.client("lambda").invoke(
        FunctionName=trigger.outputs["StartExecutionFunctionName"],
        InvocationType="Event",
        Payload=json.dumps(event),
    )
    message = trigger.lost_event(event["marker"])
    assert json.loads(message["Body"]) == event
    assert 'lacks "detail"' in message["MessageAttributes"]["ErrorMessage"]["StringValue"]
    describe_alarms = systems.client("cloudwatch").describe_alarms
    wait_for(
        lambda: (
            describe_alarms(AlarmNames=[f"{STACK}-lost-events"])["MetricAlarms"][0]["StateValue"] == "ALARM"
        ),
        lambda: "the alarm of lost events has not started",
    )


def test_event_is_kept_in_the_queue_if_the_rule_may_not_invoke_the_function(
    systems: LocalAws, trail_stack: str
) -> None:
    trigger = Trigger(systems, trail_stack)
    functions, name = systems.client("lambda"), trigger.outputs["StartExecutionFunctionName"]
    (statement,) = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
    functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    key = f"{PREFIX}{uuid.uuid4().hex}{SUFFIX}"
    trigger.write(key)
    message = trigger.lost_event(key)
    assert json.loads(message["Body"])["detail"]["requestParameters"]["key"] == key
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"

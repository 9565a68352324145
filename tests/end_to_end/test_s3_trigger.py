"""Objects written to a local S3 start executions, noticed by S3's own events and by a trail."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from stepline.deployment.stack import deploy
from tests.end_to_end.local_aws import LocalAws

pytestmark = pytest.mark.xdist_group("systems")

STACK = "stepline-s3-trigger"
REGION = "us-east-1"
TRAIL_STACK = "stepline-s3-trail"
PART_BYTES = 5 * 1024 * 1024  # the least that S3 takes, but for the last one
PATIENCE_SECONDS = 20
PREFIX, SUFFIX = "in/", ".csv"
CONTENT = b"id,amount\n1,2\n"


class Trigger:
    """One deployed stack, and what its bucket starts."""

    def __init__(self, local: LocalAws, stack: str) -> None:
        self.local = local
        self.s3 = local.client("s3")
        described = local.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        self.outputs = {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}
        self.bucket = self.outputs["TargetBucketName"]

    def write(self, key: str, content: bytes = CONTENT) -> str:
        """The version that was written."""
        return str(self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)["VersionId"])

    def upload_in_parts(self, key: str) -> str:
        place = {"Bucket": self.bucket, "Key": key}
        upload = {**place, "UploadId": self.s3.create_multipart_upload(**place)["UploadId"]}
        parts = []
        for number, content in enumerate((b"x" * PART_BYTES, b"y"), start=1):
            answer = self.s3.upload_part(**upload, PartNumber=number, Body=content)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        return str(self.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["VersionId"])

    def copy(self, source: str, key: str) -> str:
        answer = self.s3.copy_object(
            Bucket=self.bucket, Key=key, CopySource={"Bucket": self.bucket, "Key": source}
        )
        return str(answer["VersionId"])

    def executions(self) -> list[Any]:
        """What was started and has ended: input and output."""
        states = self.local.client("stepfunctions")
        listed = states.list_executions(stateMachineArn=self.outputs["StateMachineArn"])["executions"]
        return [
            states.describe_execution(executionArn=e["executionArn"])
            for e in listed
            if e["status"] != "RUNNING"
        ]

    def execution_of(self, key: str, version: str) -> Any:
        def found() -> Any:
            wanted = {"bucket": self.bucket, "key": key, "version": version}
            ended = [e for e in self.executions() if json.loads(e["input"]).items() >= wanted.items()]
            return ended[0] if ended else None

        execution = eventually(found)
        assert execution["status"] == "SUCCEEDED", execution
        return execution


def eventually(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError("nothing came")


@pytest.fixture(scope="module")
def trails(systems: LocalAws) -> Iterator[None]:
    """A second stack, with a trail and filters."""
    deploy(
        systems.project / "statemachines/s3_trigger/template.yaml",
        stack_name=TRAIL_STACK,
        session=boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION),
        endpoint_url=systems.endpoint_url,
        parameters={"Detection": "CloudTrail", "KeyPrefix": PREFIX, "KeySuffix": SUFFIX},
        report=lambda _line: None,
    )
    yield
    cloudformation = systems.client("cloudformation")
    cloudformation.delete_stack(StackName=TRAIL_STACK)
    patience: Any = {"Delay": 0, "MaxAttempts": 1_000}
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=TRAIL_STACK, WaiterConfig=patience)


@pytest.mark.parametrize("stack", [STACK, TRAIL_STACK])
def test_every_way_to_write_an_object_starts_one_execution(
    stack: str, systems: LocalAws, trails: None
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


def test_the_filter_means_prefix_and_suffix(systems: LocalAws, trails: None) -> None:
    trigger = Trigger(systems, TRAIL_STACK)
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
def test_the_rule_matches_keys_as_the_page_says(
    key: str, matches: bool, systems: LocalAws, trails: None
) -> None:
    events = systems.client("events")
    stack = systems.client("cloudformation").describe_stack_resource(
        StackName=TRAIL_STACK, LogicalResourceId="WriteRule"
    )["StackResourceDetail"]
    rule = events.describe_rule(Name=stack["PhysicalResourceId"].rpartition("|")[2])
    record = {
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "requestParameters": {"bucketName": Trigger(systems, TRAIL_STACK).bucket, "key": key},
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


def test_the_trail_writes_its_files_as_cloudtrail_does(systems: LocalAws, trails: None) -> None:
    trigger = Trigger(systems, TRAIL_STACK)
    key = f"{PREFIX}{uuid.uuid4().hex}{SUFFIX}"
    trigger.write(key)
    trigger.s3.get_object(Bucket=trigger.bucket, Key=key)["Body"].read()

    def records() -> list[Any]:
        bucket = trigger.outputs["TrailBucketName"]
        files = trigger.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        bodies = [trigger.s3.get_object(Bucket=bucket, Key=f["Key"])["Body"].read() for f in files]
        found = [record for body in bodies for record in json.loads(gzip.decompress(body))["Records"]]
        return [r for r in found if r["requestParameters"].get("key") == key]

    (record,) = eventually(records)  # writes, and not reads
    assert (record["eventName"], record["additionalEventData"]["bytesTransferredIn"]) == ("PutObject", 14)


def test_a_trail_whose_bucket_does_not_let_cloudtrail_in_is_refused(systems: LocalAws) -> None:
    bucket = f"no-trail-{uuid.uuid4().hex}"
    systems.client("s3").create_bucket(Bucket=bucket)
    with pytest.raises(ClientError, match="Incorrect S3 bucket policy is detected for bucket"):
        systems.client("cloudtrail").create_trail(Name="t", S3BucketName=bucket)


def test_an_event_that_cannot_be_worked_on_is_kept(systems: LocalAws) -> None:
    """Invoked as EventBridge does it, with what is no event: tried three times, then in the queue."""
    trigger = Trigger(systems, STACK)
    event = {"detail-type": "Object Created", "marker": uuid.uuid4().hex}
    systems.client("lambda").invoke(
        FunctionName=trigger.outputs["StartExecutionFunctionName"],
        InvocationType="Event",
        Payload=json.dumps(event),
    )
    message = eventually(lambda: _lost(trigger, event["marker"]))
    assert json.loads(message["Body"]) == event
    assert 'lacks "detail"' in message["MessageAttributes"]["ErrorMessage"]["StringValue"]


def test_a_function_that_does_not_let_the_rule_in_is_not_invoked(systems: LocalAws, trails: None) -> None:
    """Its event is kept, too."""
    trigger = Trigger(systems, TRAIL_STACK)
    functions, name = systems.client("lambda"), trigger.outputs["StartExecutionFunctionName"]
    (statement,) = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
    functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    key = f"{PREFIX}{uuid.uuid4().hex}{SUFFIX}"
    trigger.write(key)
    message = eventually(lambda: _lost(trigger, key))
    assert json.loads(message["Body"])["detail"]["requestParameters"]["key"] == key
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def _lost(trigger: Trigger, marker: str) -> Any:
    answer = trigger.local.client("sqs").receive_message(
        QueueUrl=trigger.outputs["LostEventsQueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        VisibilityTimeout=0,
    )
    return next((m for m in answer.get("Messages", []) if marker in m["Body"]), None)

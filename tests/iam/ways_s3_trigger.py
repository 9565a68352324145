"""Every way through the S3 upload's stack that needs a permission no other way needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.iam.logged_machines import logged_machine_of
from tests.iam.proofs import Lane, Variant
from tests.iam.system import Ended, System
from tests.iam.ways import fresh

_EVENTS = Path(__file__).parents[2] / "local_events/start_execution"
_MACHINE = "SampleStateMachine"


def upload_starts_the_machine(system: System) -> None:
    key = _put(system)
    execution = _wait_for_execution(system, key)
    system.end_of(execution).must_be("SUCCEEDED")


def object_without_version_is_read(system: System) -> None:
    """As from a bucket without versioning."""
    _summarize(system, _put(system)).must_be("SUCCEEDED")


def missing_object_is_told(system: System) -> None:
    ended = _summarize(system, fresh())
    assert "ObjectDeletedError" in ended.reason, ended.reason


def event_that_cannot_be_used_is_kept(system: System) -> None:
    """After three runs Lambda gives the event up."""
    mark = fresh()
    system.client("lambda").invoke(
        FunctionName=f"{system.stack_name}-start-execution",
        InvocationType="Event",
        Payload=json.dumps({"detail-type": "Object Created", "detail": mark}),
    )
    queue = system.outputs["LostEventsQueueUrl"]

    def kept() -> bool:
        answer = system.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return any(mark in message["Body"] for message in answer.get("Messages", []))

    system.wait_for(kept, bool)


# --- with a trail


def record_of_a_version_starts_the_machine(system: System) -> None:
    """CloudTrail's own record of the upload, which tells the version and not the size."""
    upload_starts_the_machine(system)


def record_without_version_starts_the_machine(system: System) -> None:
    key = _put(system)
    answer = system.invoke("start-execution", _record(system, key))
    system.end_of(answer["executionArn"]).must_be("SUCCEEDED")


def record_of_a_missing_object_is_ignored(system: System) -> None:
    answer = system.invoke("start-execution", _record(system, fresh()))
    assert answer == {"ignored": "the object was deleted"}


def _record(system: System, key: str) -> Any:
    event = json.loads((_EVENTS / "recorded.json").read_text())
    event["detail"] |= {"eventID": fresh(), "responseElements": None}
    event["detail"]["requestParameters"] = {"bucketName": system.outputs["TargetBucketName"], "key": key}
    return event


def _put(system: System) -> str:
    key = f"{fresh()}.txt"
    system.client("s3").put_object(Bucket=system.outputs["TargetBucketName"], Key=key, Body=b"one\n")
    return key


def _summarize(system: System, key: str) -> Ended:
    document = {"bucket": system.outputs["TargetBucketName"], "key": key, "size": 4, "version": None}
    return system.end_of(system.start(document, machine=system.resources[_MACHINE]))


def _wait_for_execution(system: System, key: str) -> str:
    """The execution whose name tells the key."""
    prefix = key.replace(".", "-")

    def named() -> str:
        answer = system.client("stepfunctions").list_executions(
            stateMachineArn=system.resources[_MACHINE], maxResults=50
        )
        arns = [item["executionArn"] for item in answer["executions"] if item["name"].startswith(prefix)]
        return str(arns[0]) if arns else ""

    return str(system.wait_for(named, bool))


LANES: tuple[Lane, ...] = (
    (upload_starts_the_machine, object_without_version_is_read, missing_object_is_told),
    (event_that_cannot_be_used_is_kept,),
    (logged_machine_of("SampleStateMachineRole"),),
)
VARIANTS = (
    Variant(
        {"Detection": "CloudTrail"},
        (
            record_of_a_version_starts_the_machine,
            record_without_version_starts_the_machine,
            record_of_a_missing_object_is_ignored,
        ),
    ),
)

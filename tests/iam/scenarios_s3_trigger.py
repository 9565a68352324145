"""Scenarios of the S3 trigger; see `suites.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.iam.logged_machines import logged_machine_scenario
from tests.iam.scenarios import unique_name
from tests.iam.suites import Lane, Variant
from tests.iam.system import ExecutionResult, System

_EVENTS = Path(__file__).parents[2] / "local_events/start_execution"
_MACHINE = "SampleStateMachine"


def upload_starts_the_state_machine(system: System) -> None:
    key = _put(system)
    execution = _wait_for_execution(system, key)
    system.wait_for_execution(execution).assert_status("SUCCEEDED")


def object_without_version_is_read(system: System) -> None:
    """The bucket has no versioning."""
    _summarize(system, _put(system)).assert_status("SUCCEEDED")


def missing_object_is_reported(system: System) -> None:
    ended = _summarize(system, unique_name())
    assert "ObjectDeletedError" in ended.reason, ended.reason


def invalid_event_is_sent_to_the_queue(system: System) -> None:
    """Lambda does so after three attempts."""
    mark = unique_name()
    system.client("lambda").invoke(
        FunctionName=f"{system.stack_name}-start-execution",
        InvocationType="Event",
        Payload=json.dumps({"detail-type": "Object Created", "detail": mark}),
    )
    queue = system.outputs["LostEventsQueueUrl"]

    def is_in_queue() -> bool:
        response = system.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return any(mark in message["Body"] for message in response.get("Messages", []))

    system.wait_for(is_in_queue, bool)


# --- with a trail


def record_with_a_version_starts_the_state_machine(system: System) -> None:
    """CloudTrail's own record of the upload has the version and not the size."""
    upload_starts_the_state_machine(system)


def record_without_a_version_starts_the_state_machine(system: System) -> None:
    key = _put(system)
    response = system.invoke("start-execution", _record(system, key))
    system.wait_for_execution(response["executionArn"]).assert_status("SUCCEEDED")


def record_of_a_missing_object_is_ignored(system: System) -> None:
    response = system.invoke("start-execution", _record(system, unique_name()))
    assert response == {"ignored": "the object was deleted"}


def _record(system: System, key: str) -> Any:
    event = json.loads((_EVENTS / "recorded.json").read_text())
    event["detail"] |= {"eventID": unique_name(), "responseElements": None}
    event["detail"]["requestParameters"] = {"bucketName": system.outputs["TargetBucketName"], "key": key}
    return event


def _put(system: System) -> str:
    key = f"{unique_name()}.txt"
    system.client("s3").put_object(Bucket=system.outputs["TargetBucketName"], Key=key, Body=b"one\n")
    return key


def _summarize(system: System, key: str) -> ExecutionResult:
    document = {"bucket": system.outputs["TargetBucketName"], "key": key, "size": 4, "version": None}
    return system.wait_for_execution(system.start(document, machine=system.resources[_MACHINE]))


def _wait_for_execution(system: System, key: str) -> str:
    """Return the ARN of the execution whose name begins with the key."""
    prefix = key.replace(".", "-")

    def execution() -> str:
        response = system.client("stepfunctions").list_executions(
            stateMachineArn=system.resources[_MACHINE], maxResults=50
        )
        arns = [item["executionArn"] for item in response["executions"] if item["name"].startswith(prefix)]
        return str(arns[0]) if arns else ""

    return str(system.wait_for(execution, bool))


LANES: tuple[Lane, ...] = (
    (upload_starts_the_state_machine, object_without_version_is_read, missing_object_is_reported),
    (invalid_event_is_sent_to_the_queue,),
    (logged_machine_scenario("SampleStateMachineRole"),),
)
VARIANTS = (
    Variant(
        {"Detection": "CloudTrail"},
        (
            record_with_a_version_starts_the_state_machine,
            record_without_a_version_starts_the_state_machine,
            record_of_a_missing_object_is_ignored,
        ),
    ),
)

"""Distributed Map states: their items, batches, failures and results."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.stepfunctions.world import Outcome, World

FAIL_BELOW_ZERO = {
    "StartAt": "Check",
    "States": {
        "Check": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "NumericLessThan": 0, "Next": "Bad"}],
            "Default": "Good",
        },
        "Bad": {"Type": "Fail", "Error": "Negative", "Cause": "below zero"},
        "Good": {"Type": "Pass", "End": True},
    },
}
ECHO = {"StartAt": "Echo", "States": {"Echo": {"Type": "Pass", "End": True}}}


class Objects:
    """S3, with objects by `bucket/key`."""

    def __init__(self, objects: Mapping[str, str]) -> None:
        self.objects = dict(objects)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if f"{Bucket}/{Key}" not in self.objects:
            response: Any = {
                "Error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."},
                "ResponseMetadata": {"HTTPStatusCode": 404},
            }
            raise ClientError(response, "GetObject")
        return {"Body": io.BytesIO(self.objects[f"{Bucket}/{Key}"].encode())}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        self.objects[f"{Bucket}/{Key}"] = Body.decode()
        return {}

    def list_objects_v2(self, *, Bucket: str, ContinuationToken: str = "") -> dict[str, Any]:
        keys = sorted(self.objects)[len(ContinuationToken) :]
        first = {"Key": keys[0].removeprefix(f"{Bucket}/"), "ETag": '"e"', "Size": 1}
        return {
            "Contents": [first],
            "IsTruncated": len(keys) > 1,
            "NextContinuationToken": ContinuationToken + "x",
        }


def run(world: World, items: Any, machine: Any = ECHO, *, kind: str = "STANDARD", **fields: Any) -> Outcome:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, **machine}
    state = {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}
    return world.run({"Each": state}, items)


def read(world: World, text: str, **fields: Any) -> Outcome:
    world.clients["s3"] = Objects({"bucket/items": text})
    parameters = {"Bucket": "bucket", "Key": "items"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": parameters, **fields}
    return run(world, {}, ItemReader=reader)


def test_map_whose_child_executions_all_fail_fails(world: World) -> None:
    outcome = run(world, [-1, -2], FAIL_BELOW_ZERO)
    assert outcome.description["error"] == "States.ExceedToleratedFailureThreshold"
    assert outcome.description["cause"] == "The specified tolerated failure threshold was exceeded"
    kinds = [event["type"] for event in outcome.history]
    assert kinds[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_one_failure_is_too_many_by_default(world: World, kind: str) -> None:
    assert run(world, [1, -1, 2], FAIL_BELOW_ZERO, kind=kind).status == "FAILED"


@pytest.mark.parametrize(
    ("fields", "is_tolerated"),
    [
        ({"ToleratedFailureCount": 1}, False),
        ({"ToleratedFailureCount": 2}, True),
        ({"ToleratedFailurePercentage": 49}, False),
        ({"ToleratedFailurePercentage": 50}, True),
        ({"ToleratedFailurePercentage": 49.9}, False),
        ({"ToleratedFailurePercentage": 100}, True),
        ({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 100}, False),
        ({"ToleratedFailureCountPath": "$[3]"}, True),
    ],
)
def test_failures_are_tolerated_up_to_the_threshold(
    world: World, fields: dict[str, Any], *, is_tolerated: bool
) -> None:
    outcome = run(world, [-1, 1, -2, 2], FAIL_BELOW_ZERO, **fields)
    assert outcome.status == ("SUCCEEDED" if is_tolerated else "FAILED")
    if is_tolerated:
        assert outcome.output == [None, 1, None, 2]


def test_exceeded_threshold_can_be_caught(world: World) -> None:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **FAIL_BELOW_ZERO}
    catch = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Caught"}]
    states = {
        "Each": {"Type": "Map", "ItemProcessor": processor, "Catch": catch, "End": True},
        "Caught": {"Type": "Pass", "End": True},
    }
    assert world.run(states, [-1]).output["Error"] == "States.ExceedToleratedFailureThreshold"


def test_no_child_execution_starts_after_the_threshold(world: World) -> None:
    outcome = run(world, [-1] * 500, FAIL_BELOW_ZERO, MaxConcurrency=1)
    assert outcome.status == "FAILED"


def test_items_are_selected_and_batched(world: World) -> None:
    outcome = run(
        world,
        {"list": [1, 2, 3], "name": "n"},
        ItemsPath="$.list",
        ItemSelector={"value.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index"},
        ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"for.$": "$.name"}},
    )
    assert outcome.output == [
        {"BatchInput": {"for": "n"}, "Items": [{"value": 1, "index": 0}, {"value": 2, "index": 1}]},
        {"BatchInput": {"for": "n"}, "Items": [{"value": 3, "index": 2}]},
    ]


def test_batches_are_limited_in_bytes(world: World) -> None:
    outcome = run(world, ["x" * 100] * 4, ItemBatcher={"MaxInputBytesPerBatch": 220})
    assert [len(batch["Items"]) for batch in outcome.output] == [2, 2]


@pytest.mark.parametrize(
    ("config", "text", "expected"),
    [
        ({}, "[1, 2]", [1, 2]),
        ({"InputType": "JSON", "ItemsPointer": "/a/0/b~1c"}, '{"a": [{"b/c": [7]}]}', [7]),
        ({"InputType": "JSON", "MaxItems": 1}, "[1, 2]", [1]),
        ({"InputType": "JSONL"}, '{"a": 1}\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, "a,b\n1,2\n3\n", [
            {"a": "1", "b": "2"},
            {"a": "3", "b": ""},
        ]),
        (
            {
                "InputType": "CSV",
                "CSVHeaderLocation": "GIVEN",
                "CSVHeaders": ["x", "y"],
                "CSVDelimiter": "PIPE",
            },
            "1|2",
            [{"x": "1", "y": "2"}],
        ),
    ],
)  # fmt: skip
def test_items_are_read_from_s3(world: World, config: dict[str, Any], text: str, expected: Any) -> None:
    assert read(world, text, ReaderConfig=config).output == expected


def test_items_are_read_without_a_configuration(world: World) -> None:
    assert read(world, "[1]").output == [1]


@pytest.mark.parametrize(
    ("config", "text", "cause"),
    [
        ({"InputType": "JSON"}, '{"a": 1}', "Attempting to map over non-iterable node."),
        ({"InputType": "JSON"}, "nonsense", "Unable to parse the JSON file"),
        ({"InputType": "JSON", "ItemsPointer": "/b"}, '{"a": 1}', "The ItemsPointer '/b' does not point"),
        (
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "a,a\n1,2",
            "CSV headers cannot contain duplicates.",
        ),
        ({"InputType": "PARQUET"}, "x", "The local AWS does not read items of InputType PARQUET"),
    ],
)
def test_items_that_cannot_be_read_fail_the_map(
    world: World, config: dict[str, Any], text: str, cause: str
) -> None:
    outcome = read(world, text, ReaderConfig=config)
    assert outcome.description["error"] == "States.ItemReaderFailed"
    assert outcome.description["cause"].startswith(cause)


def test_object_that_is_missing_fails_the_map(world: World) -> None:
    world.clients["s3"] = Objects({})
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
    outcome = run(world, {}, ItemReader=reader)
    assert outcome.description["error"] == "States.ItemReaderFailed"
    assert "The specified key does not exist." in outcome.description["cause"]


def test_listed_objects_are_items(world: World) -> None:
    world.clients["s3"] = Objects({"bucket/a": "", "bucket/b": ""})
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "bucket"}}
    assert run(world, {}, ItemReader=reader).output == [
        {"Etag": '"e"', "Key": "a", "Size": 1, "StorageClass": "STANDARD"},
        {"Etag": '"e"', "Key": "b", "Size": 1, "StorageClass": "STANDARD"},
    ]


def test_results_are_written_to_s3(world: World) -> None:
    s3 = world.clients["s3"] = Objects({})
    writer = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "bucket", "Prefix": "results"},
    }
    outcome = run(world, [1, -1], FAIL_BELOW_ZERO, ToleratedFailureCount=1, ResultWriter=writer)
    details = outcome.output["ResultWriterDetails"]
    manifest = json.loads(s3.objects[f"{details['Bucket']}/{details['Key']}"])
    found = {
        status: json.loads(s3.objects[f"bucket/{files[0]['Key']}"])
        for status, files in manifest["ResultFiles"].items()
        if files
    }
    assert [(child["Input"], child["Output"]) for child in found["SUCCEEDED"]] == [("1", "1")]
    assert [(child["Input"], child["Error"]) for child in found["FAILED"]] == [("-1", "Negative")]


@pytest.mark.parametrize("value", [True, None, 1, {"foo": "bar"}, "text"])
def test_input_that_is_not_a_list_is_quoted(world: World, value: Any) -> None:
    """[recorded]"""
    state = {"Type": "Map", "ItemsPath": "$.value", "ItemProcessor": ECHO, "End": True}
    outcome = world.run({"Each": state}, {"value": value})
    quoted = json.dumps(value, separators=(",", ":"))
    assert outcome.description["error"] == "States.QueryEvaluationError"
    assert outcome.description["cause"].endswith(f"Map state input must be an array but was: {quoted}")


def map_run(world: World, outcome: Outcome) -> Any:
    (run,) = world.client.list_map_runs(executionArn=outcome.arn)["mapRuns"]
    described = world.client.describe_map_run(mapRunArn=run["mapRunArn"])
    assert described["mapRunArn"] == outcome.history[3]["mapRunStartedEventDetails"]["mapRunArn"]
    return described


def test_map_run_is_described(world: World) -> None:
    outcome = run(world, [1, -1, 2], FAIL_BELOW_ZERO, ToleratedFailureCount=1)
    described = map_run(world, outcome)
    assert (described["status"], described["executionArn"]) == ("SUCCEEDED", outcome.arn)
    assert described["toleratedFailureCount"] == 1
    counts = {"succeeded": 2, "failed": 1, "total": 3, "pending": 0, "running": 0}
    assert described["executionCounts"].items() >= counts.items()
    assert described["itemCounts"].items() >= counts.items()


def test_map_run_counts_the_items_of_batches(world: World) -> None:
    described = map_run(world, run(world, [1, 2, 3], ItemBatcher={"MaxItemsPerBatch": 2}))
    assert (described["itemCounts"]["total"], described["executionCounts"]["total"]) == (3, 2)


def test_map_run_that_failed_is_described(world: World) -> None:
    assert map_run(world, run(world, [-1], FAIL_BELOW_ZERO))["status"] == "FAILED"


def test_child_executions_are_listed(world: World) -> None:
    described = map_run(world, run(world, [1, -1], FAIL_BELOW_ZERO, Label="Label", ToleratedFailureCount=1))
    found = world.client.list_executions(mapRunArn=described["mapRunArn"])["executions"]
    assert sorted(child["status"] for child in found) == ["FAILED", "SUCCEEDED"]
    assert {child["mapRunArn"] for child in found} == {described["mapRunArn"]}
    assert all(":execution:machine/Label:" in child["executionArn"] for child in found)
    (failed,) = world.client.list_executions(mapRunArn=described["mapRunArn"], statusFilter="FAILED")[
        "executions"
    ]
    assert failed["itemCount"] == 1


def test_map_run_of_a_stopped_execution_is_aborted(world: World) -> None:
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **wait}
    arn = world.start(world.create({"M": {"Type": "Map", "ItemProcessor": processor, "End": True}}), [1, 2])
    world.virtual_clock.advance(1)
    (found,) = world.client.list_map_runs(executionArn=arn)["mapRuns"]
    world.client.update_map_run(mapRunArn=found["mapRunArn"], maxConcurrency=7)
    described = world.client.describe_map_run(mapRunArn=found["mapRunArn"])
    assert (described["status"], described["maxConcurrency"]) == ("RUNNING", 7)
    assert described["executionCounts"]["running"] == 2
    world.client.stop_execution(executionArn=arn)
    assert world.client.describe_map_run(mapRunArn=found["mapRunArn"])["status"] == "ABORTED"


def test_map_run_that_is_missing_is_an_error(world: World) -> None:
    arn = "arn:aws:states:us-east-1:000000000000:mapRun:machine/Label:1"
    with pytest.raises(ClientError, match=f"Resource not found: '{arn}'"):
        world.client.describe_map_run(mapRunArn=arn)

"""Inputs and outputs above 256 KB, which travel through S3.

The cases of `large_outputs.json` are outputs with a reference. `stored`: the content of the object, as text,
as JSON, or repeated; `reference`: a patch of its reference; `found`: what the version has instead; `newer`:
another version; `deleted`, `denied`; `output`: the other members of the output. `expected`: the output
variables, and what the summary says in `summary` or, because the object was not read, in `remark`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from pipeline.outputs import output_variables
from stepline.core.limits import MAX_INPUT_BYTES, MAX_LARGE_DATA_BYTES
from tests.cases import merged, parameters, read_cases
from tests.fakes.s3 import FakeS3
from tests.fakes.service import Fault
from tests.pipeline.custom_world import CustomWorld
from tests.pipeline.test_start import failure
from tests.pipeline.world import ARTIFACT_BUCKET, EXPRESS, World, artifact, zip_of

BUCKET = "large-data"
KEY = "outputs/1.json"
VERSION = "v1"
JOB = "11111111-abcd-4111-8111-abcdef000001"
LARGE = {"environmentName": "test", "items": [{"id": number, "text": "ü" * 90} for number in range(1500)]}
INPUT_FILE = "state_machine_input.json"


@pytest.fixture
def world(world: World) -> World:
    world.s3.put_version = VERSION
    world.configure(LARGE_DATA_BUCKET=BUCKET)
    world.put_artifact({INPUT_FILE: json.dumps(LARGE).encode()})
    return world


def stored(s3: FakeS3) -> tuple[str, dict[str, Any]]:
    """Return the key and the content of the only object that was stored."""
    ((key, content),) = ((key, body) for (bucket, key), body in s3.objects.items() if bucket == BUCKET)
    return key, json.loads(content[0 : len(content)])


def reference_to(content: bytes, patch: dict[str, Any]) -> dict[str, Any]:
    base = {
        "bucket": BUCKET,
        "key": KEY,
        "versionId": VERSION,
        "size": len(content),
        "sha256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
    }
    reference: dict[str, Any] = merged(base, patch)
    return reference


def content_of(given: dict[str, Any]) -> bytes:
    if "text" in given:
        return str(given["text"]).encode()
    if "repeat" in given:
        return f"{given['before']}{given['repeat'] * given['times']}{given['after']}".encode()
    return json.dumps(given["json"]).encode()


def test_execution_gets_a_reference_to_a_large_input(world: World) -> None:
    world.send(world.first_job(job_id=JOB))

    document = json.loads(world.execution.input)
    key, whole = stored(world.s3)
    (written,) = (request for request in world.s3.requests if request.operation == "PutObject")
    assert whole == {**LARGE, **{name: document[name] for name in document if name != "s3Reference"}}
    assert document["s3Reference"] == reference_to(written.body, {"key": key})
    assert key.startswith(f"inputs/{JOB}/")
    assert document["codepipeline"]["jobId"] == JOB
    assert written.headers["x-amz-checksum-sha256"] == document["s3Reference"]["sha256"]
    assert written.access_key_id == "FUNCTION"


def test_custom_action_stores_a_large_input_and_reads_the_large_output() -> None:
    world = CustomWorld(LARGE_DATA_BUCKET=BUCKET)
    world.s3.put_version = VERSION
    world.s3.put(
        ARTIFACT_BUCKET, "stepline/SourceOutp/AbCdEf1", zip_of({INPUT_FILE: json.dumps(LARGE).encode()})
    )
    job_id, execution = world.run_until_held(OutputVariables='{"Last": "items[-1].id"}')
    execution.succeed(execution.input)
    world.send_status(execution)

    key, whole = stored(world.s3)
    assert key.startswith(f"inputs/{job_id}/")
    assert whole["codepipeline"]["pipelineName"] == "shop"
    assert world.final_result is not None
    assert world.final_result["outputVariables"] == {"Last": "1499"}


def test_small_input_is_not_stored(world: World) -> None:
    world.put_artifact({INPUT_FILE: b'{"a": 1}'})
    world.send(world.first_job())
    assert json.loads(world.execution.input)["a"] == 1
    assert {bucket for bucket, _ in world.s3.objects} == {ARTIFACT_BUCKET}


def test_repeated_job_gives_the_same_input_and_version(world: World) -> None:
    """The function was killed between PutObject and StartExecution, and Lambda repeats the event."""
    world.stepfunctions.raise_next("StartExecution", ReadTimeoutError(endpoint_url="https://aws"))
    event = world.first_job(job_id=JOB)
    world.send(event)
    world.s3.put_version = "v2"  # that a second PutObject would write
    following = world.next_job(event)
    world.forget_calls()
    world.send(following)

    assert json.loads(world.execution.input)["s3Reference"]["versionId"] == VERSION
    assert [name for name in world.calls if name in {"PutObject", "HeadObject"}] == [
        "PutObject",
        "HeadObject",
    ]


def test_answer_of_put_object_that_is_lost_finds_the_version(world: World) -> None:
    lost = ReadTimeoutError(endpoint_url="https://aws")
    world.s3.faults.append(Fault("PutObject", {1}, lost, acted=True))
    event = world.first_job(job_id=JOB)
    world.send(event)
    world.s3.put_version = "v2"
    world.send(world.next_job(event))
    assert json.loads(world.execution.input)["s3Reference"]["versionId"] == VERSION


def test_object_of_another_content_under_the_key_is_not_used(world: World) -> None:
    world.send(world.first_job(job_id=JOB))
    key, _ = stored(world.s3)
    world.s3.put(BUCKET, key, b"{}", version="v2")
    world.stepfunctions.executions.clear()
    world.codepipeline.results.clear()
    kind, text = failure(world.send(world.first_job(job_id=JOB)))
    assert kind == "ConfigurationError"
    assert text == f"s3://{BUCKET}/{key} exists with another checksum: delete it."
    assert not world.stepfunctions.executions


@pytest.mark.parametrize(
    ("status", "code", "kind", "message"),
    [
        (403, "AccessDenied", "PermissionError", "allow the function's role s3:PutObject"),
        (404, "NoSuchBucket", "ConfigurationError", "could not be stored as s3://large-data/inputs/"),
        (400, "BadDigest", "ConfigurationError", "could not be stored as s3://large-data/inputs/"),
    ],
)
def test_failure_to_store_the_input_fails_the_job(
    world: World, status: int, code: str, kind: str, message: str
) -> None:
    world.s3.fail_next("PutObject", code, status=status)
    found, text = failure(world.send(world.first_job()))
    assert found == kind
    assert message in text
    assert not world.stepfunctions.executions


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (409, "ConditionalRequestConflict")])
def test_input_is_stored_by_the_next_job_after_a_transient_error(
    world: World, status: int, code: str
) -> None:
    world.s3.fail_next("PutObject", code, status=status)
    event = world.first_job(job_id=JOB)
    assert "continuationToken" in world.send(event)
    assert not world.stepfunctions.executions
    world.send(world.next_job(event))
    assert stored(world.s3)[0].startswith(f"inputs/{JOB}/")
    assert world.stepfunctions.executions


def test_bucket_without_versioning_is_refused(world: World) -> None:
    world.s3.put_version = None
    kind, text = failure(world.send(world.first_job()))
    assert (kind, text) == ("ConfigurationError", "The bucket large-data for large data has no versioning.")


def test_large_input_without_a_bucket_names_the_parameter(world: World) -> None:
    world.configure()
    kind, text = failure(world.send(world.first_job()))
    assert kind == "ConfigurationError"
    assert text.endswith(
        "or deploy the action with LargeData=true, which sets LARGE_DATA_BUCKET of its function."
    )


@pytest.mark.parametrize("extra", [0, 1])
def test_input_of_the_maximum_size_is_stored_and_one_byte_more_is_refused(world: World, extra: int) -> None:
    world.put_artifact({INPUT_FILE: json.dumps({"a": "x" * MAX_INPUT_BYTES}).encode()})
    world.send(world.first_job(job_id=JOB))
    rest = MAX_LARGE_DATA_BYTES - len(world.s3.called("PutObject")[0].body)
    world.put_artifact({INPUT_FILE: json.dumps({"a": "x" * (MAX_INPUT_BYTES + rest + extra)}).encode()})
    result = world.send(world.first_job(job_id=str(uuid.uuid4())))
    if extra:
        assert "The input has 6,291,457 bytes; at most 6,291,456 are possible." in failure(result)[1]
    else:
        assert "continuationToken" in result


def test_express_execution_gets_a_reference(world: World) -> None:
    world.configure(LARGE_DATA_BUCKET=BUCKET, EXPRESS_CLAIMS_BUCKET="claims")
    world.send(world.first_job({"inputFile": INPUT_FILE, "stateMachine": EXPRESS}))
    (started,) = world.stepfunctions.called("StartSyncExecution")
    assert "s3Reference" in json.loads(started["input"])


@pytest.mark.parametrize("case", parameters(read_cases(Path(__file__).with_name("large_outputs.json"))))
def test_large_output_is_read_only_as_its_reference_says(world: World, case: dict[str, Any]) -> None:
    content = content_of(case["stored"])
    world.put_artifact({INPUT_FILE: b"{}"})
    event, execution = world.start_execution()
    found = case["found"].encode() if "found" in case else content
    world.s3.put(BUCKET, KEY, found, version=None if case.get("deleted") else VERSION)
    if "newer" in case:
        world.s3.put(BUCKET, KEY, case["newer"].encode(), version="v2")
    if case.get("denied"):
        world.s3.denied["GetObject"] = BUCKET
    reference = reference_to(content, case.get("reference", {}))
    execution.succeed(json.dumps({"s3Reference": reference, **case.get("output", {})}))

    result = world.send(event)

    summary, expected = result["executionDetails"]["summary"], case["expected"]
    assert result.get("outputVariables", {}) == expected.get("variables", {})
    assert expected.get("summary", "") in summary
    if "remark" in expected:
        assert f"Its output was not read: {expected['remark']} https://" in summary
    else:
        assert "was not read" not in summary


def test_output_artifact_has_the_whole_output(world: World) -> None:
    event, execution = world.start_execution(outputArtifacts=[artifact("Out", "out")])
    execution.succeed(execution.input)
    world.send(event)
    content = world.s3.objects[ARTIFACT_BUCKET, "out"]
    with zipfile.ZipFile(io.BytesIO(content[0 : len(content)])) as archive:
        document = json.loads(archive.read("output.json"))
    assert document["items"] == LARGE["items"]
    assert "s3Reference" not in document


def test_output_artifact_is_not_written_without_the_whole_output(world: World) -> None:
    event, execution = world.start_execution(outputArtifacts=[artifact("Out", "out")])
    world.s3.versions.clear()
    execution.succeed(execution.input)
    kind, text = failure(world.send(event))
    assert kind == "ConfigurationError"
    assert text.startswith(
        "The execution succeeded, but its output artifact could not be written: s3://large"
    )
    assert (ARTIFACT_BUCKET, "out") not in world.s3.objects


def test_output_is_read_by_the_next_job_after_a_transient_error(world: World) -> None:
    event, execution = world.start_execution(
        {"inputFile": INPUT_FILE, "outputVariables": {"N": "length(items)"}}
    )
    execution.succeed(execution.input)
    world.s3.fail_next("GetObject", "SlowDown", status=503)
    assert "continuationToken" in world.send(event)
    assert world.send(world.next_job(event))["outputVariables"] == {"N": "1500"}


def test_reference_without_a_bucket_is_an_ordinary_output(world: World) -> None:
    event, execution = world.start_execution()
    world.configure()
    execution.succeed(json.dumps({"a": 1, "s3Reference": reference_to(b"{}", {})}))
    assert world.send(event)["outputVariables"] == {"a": "1"}


def test_variables_are_taken_from_a_list_that_is_larger_than_one_of_them_may_be() -> None:
    output = json.dumps({"items": [{"id": number, "text": "x" * 1000} for number in range(4000)]})
    expressions = {"Count": "length(items)", "First": "items[0].id", "All": "items"}
    found = output_variables(output, expressions)
    assert (found.values, found.left_out) == ({"Count": "4000", "First": "0"}, ("All",))

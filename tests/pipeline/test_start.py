"""The first job of an action: it reads the input and starts one execution."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from stepline.core.limits import MAX_INPUT_BYTES, MIB
from tests.core.test_archive_reader import sparse_archive
from tests.pipeline.world import ARTIFACT_BUCKET, ARTIFACT_KEY, EXPRESS, MACHINE, World, artifact


def failure(result: Any) -> tuple[str, str]:
    details = result["failureDetails"]
    return details["type"], details["message"]


def test_input_has_the_default_file_and_the_artifacts_of_the_job(world: World) -> None:
    event = world.first_job()
    result = world.send(event)
    first_job_id = event["CodePipeline.job"]["id"]
    assert json.loads(world.execution.input) == {
        "environmentName": "test",
        "revisionS3Bucket": ARTIFACT_BUCKET,
        "revisionS3Key": ARTIFACT_KEY,
        "codepipeline": {
            "jobId": first_job_id,
            "accountId": "000000000000",
            "artifacts": [
                {
                    "name": "SourceOutput",
                    "bucket": ARTIFACT_BUCKET,
                    "key": ARTIFACT_KEY,
                    "revision": "abc123",
                }
            ],
        },
    }
    assert first_job_id in world.execution.name
    assert result["executionDetails"]["externalExecutionId"] == world.execution.arn
    assert "#/v2/executions/details/" in result["executionDetails"]["summary"]


def test_start_takes_three_calls_and_one_more_in_a_new_container(world: World) -> None:
    """The first start of a container reads the type of the state machine."""
    world.send(world.first_job())
    assert world.calls == ["GetObject", "DescribeStateMachine", "StartExecution", "PutJobSuccessResult"]
    world.forget_calls()
    world.send(world.first_job())
    assert world.calls == ["GetObject", "StartExecution", "PutJobSuccessResult"]


def test_start_from_a_large_archive_takes_at_most_four_calls(world: World) -> None:
    world.send(world.first_job({"input": {}}))
    world.s3.put(ARTIFACT_BUCKET, ARTIFACT_KEY, sparse_archive(1024 * MIB))
    world.forget_calls()
    world.send(world.first_job("input.json"))
    assert len(world.calls) <= 4


def test_redelivered_job_reports_the_same_execution(world: World) -> None:
    """An earlier bug: a redelivered event started a second execution, because its name was the time."""
    event = world.first_job()
    first = world.send(event)
    world.codepipeline.results.clear()  # as if the result had been lost
    world.now += 60
    second = world.send(event)
    assert len(world.stepfunctions.executions) == 1
    assert second["executionDetails"]["externalExecutionId"] == world.execution.arn
    assert first["executionDetails"] == second["executionDetails"]


def test_redelivery_of_a_completed_job_changes_nothing(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.deliver(event)
    assert len(world.stepfunctions.executions) == 1
    assert len(world.codepipeline.results) == 1


def test_execution_that_ended_before_the_redelivery_is_continued(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.execution.succeed()
    world.codepipeline.results.clear()
    result = world.send(event)
    assert world.execution.arn in result["continuationToken"]


def test_existing_execution_of_the_job_is_continued_although_it_is_not_visible_yet(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.execution.succeed()  # so that the next start is refused
    world.codepipeline.results.clear()
    world.stepfunctions.invisible.add(world.execution.arn)
    world.forget_calls()
    assert world.execution.arn in world.send(event)["continuationToken"]
    assert world.calls == ["GetObject", "StartExecution", "PutJobSuccessResult"]


def test_default_machine_is_accepted_although_it_is_not_on_the_list(world: World) -> None:
    for name in ("deploy", MACHINE):
        assert "continuationToken" in world.send(world.first_job({"input": {}, "stateMachine": name}))


def test_redelivered_job_with_expired_credentials_continues_its_execution(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.codepipeline.results.clear()
    world.s3.fail_next("GetObject", "ExpiredToken", status=400)
    assert world.execution.arn in world.send(event)["continuationToken"]


def test_redelivered_job_without_its_input_file_continues_its_execution(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.codepipeline.results.clear()
    world.put_artifact({})
    assert world.execution.arn in world.send(event)["continuationToken"]


def test_redelivered_job_has_the_same_input_with_sorted_keys(world: World) -> None:
    event = world.first_job({"input": {"b": 1, "a": {"d": 1, "c": 2}}, "parameters": {"a": {"c": 3}}})
    world.send(event)
    text = world.execution.input
    assert text.startswith('{"a":{"c":3,"d":1},"b":1,"codepipeline":')
    world.stepfunctions.executions.clear()
    world.codepipeline.results.clear()
    world.now += 3600
    world.send(event)
    assert world.execution.input == text


@pytest.mark.parametrize(
    ("user_parameters", "expected"),
    [
        ("config/in.json", {"from": "path"}),
        ("Config::in.json", {"from": "second artifact"}),
        ("s3://inputs/in.json", {"from": "s3"}),
        ({"s3Bucket": "inputs", "stateMachineFile": "in.json"}, {"from": "s3"}),
        ({"input": {"from": "literal"}}, {"from": "literal"}),
        ({"parameters": {"from": "parameters"}}, {"environmentName": "test", "from": "parameters"}),
        ({"input": {"a": {"x": [1, 2], "y": 1}}, "parameters": {"a": {"x": [3]}}}, {"a": {"x": [3], "y": 1}}),
    ],
)
def test_input_is_selected_by_the_user_parameters(
    world: World, user_parameters: object, expected: dict[str, object]
) -> None:
    world.put_artifact(
        {"state_machine_input.json": b'{"environmentName": "test"}', "config/in.json": b'{"from": "path"}'}
    )
    world.put_artifact({"in.json": b'\xef\xbb\xbf{"from": "second artifact"}'}, key="second")
    world.s3.put("inputs", "in.json", b'{"from": "s3"}')
    artifacts = [artifact("SourceOutput", ARTIFACT_KEY), artifact("Config", "second")]
    world.send(world.first_job(user_parameters, inputArtifacts=artifacts))
    document = json.loads(world.execution.input)
    assert document["codepipeline"]["artifacts"][1]["name"] == "Config"
    assert document["revisionS3Key"] == ARTIFACT_KEY
    added = {"codepipeline", "revisionS3Bucket", "revisionS3Key"}
    assert {key: value for key, value in document.items() if key not in added} == expected


def test_event_generated_by_sam_starts_an_execution(world: World) -> None:
    """The event is that of `sam local generate-event codepipeline job`."""
    event = json.loads((Path(__file__).parent / "cases" / "sam_generated_event.json").read_text())
    world.put_artifact({"in.json": b'{"a": 1}'})
    world.s3.put("example-bucket", "test/key", world.s3.objects[ARTIFACT_BUCKET, ARTIFACT_KEY])
    event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]["UserParameters"] = "in.json"
    assert "continuationToken" in world.send(event)
    assert json.loads(world.execution.input)["a"] == 1


def test_absent_revision_is_null(world: World) -> None:
    event = world.first_job()
    del event["CodePipeline.job"]["data"]["inputArtifacts"][0]["revision"]
    world.send(event)
    assert json.loads(world.execution.input)["codepipeline"]["artifacts"][0]["revision"] is None


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'{"a": 1.10, "b": 1E5, "a1": -0.0, "a2": 0.1}', '"a":1.1,"a1":-0.0,"a2":0.1,"b":100000.0,'),
        (b'{"a": 123456789012345678901234567890}', '"a":123456789012345678901234567890,'),
        ('{"a": "🎉", "b": "\\ud83c\\udf89"}'.encode(), '"a":"🎉","b":"🎉",'),
        ('{"a": "ü"}'.encode("utf-16"), '"a":"ü",'),
        (b'{"a": "\\u0000"}', '"a":"\\u0000",'),
        (b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}", '"a":' + "[" * 500 + "]" * 500 + ","),
    ],
)
def test_redelivered_job_writes_any_json_as_the_same_text(world: World, content: bytes, text: str) -> None:
    world.put_artifact({"state_machine_input.json": content})
    event = world.first_job()
    world.send(event)
    world.codepipeline.results.clear()
    assert world.execution.input.startswith("{" + text + '"codepipeline":')
    assert "continuationToken" in world.send(event)
    assert len(world.stepfunctions.executions) == 1


def test_input_without_an_artifact_has_only_the_codepipeline_member(world: World) -> None:
    world.send(world.first_job({"pipelineExecutionId": "42"}, inputArtifacts=[], artifactCredentials=None))
    document = json.loads(world.execution.input)
    assert set(document) == {"codepipeline"}
    assert document["codepipeline"]["pipelineExecutionId"] == "42"
    assert document["codepipeline"]["artifacts"] == []


def test_credentials_of_the_job_are_used_for_artifacts_only(
    world: World,
) -> None:
    world.s3.put("inputs", "in.json", b"{}")
    world.send(world.first_job())
    world.send(world.first_job("s3://inputs/in.json"))
    assert [request.access_key_id for request in world.s3.requests] == ["ARTIFACT-KEY-ID", "FUNCTION"]


@pytest.mark.parametrize(
    ("user_parameters", "changes", "message"),
    [
        ({"unknown": 1}, {}, '"unknown"'),
        ({"stateMachine": "other"}, {}, '"other" is not on the function\'s list.*deploy, quick'),
        ("missing.json", {}, '"missing.json"'),
        ("Other::x.json", {}, '"Other".*SourceOutput'),
        ("x.json", {"inputArtifacts": []}, "no input artifact"),
        ({"inputS3": "s3://nowhere/x"}, {}, "s3://nowhere/x.*inputS3"),
        ("list.json", {}, '"list.json of SourceOutput" must be a JSON object'),
        ("broken.json", {}, "not JSON: Expecting.* line 2"),
        ("nan.json", {}, "Infinity is not JSON"),
        ("large_number.json", {}, "a number in it is too large"),
        ("long_number.json", {}, "more than 4,300 digits"),
        ("empty.json", {}, "not JSON: it is empty"),
        ({"inputS3": "s3://inputs/\ud800"}, {}, "inputS3 in UserParameters is not Unicode"),
        ({"s3Bucket": "inputs", "stateMachineFile": "\ud800"}, {}, "stateMachineFile .* is not Unicode"),
        ("s3://my inputs/in.json", {}, 'Invalid bucket name "my inputs"'),
        ("deep.json", {}, "nested too deeply"),
        ("latin.json", {}, "not UTF-8"),
        ("surrogate.json", {}, "surrogate"),
        ("huge.json", {}, "the limit is"),
        ({"stateMachine": "quick"}, {}, "EXPRESS_CLAIMS_BUCKET"),
        (None, {"outputArtifacts": [artifact("A", "a"), artifact("B", "b")]}, "2 output artifacts"),
        (None, {"artifactCredentials": None}, "no artifact credentials"),
    ],
)
def test_invalid_configuration_or_input_fails_before_the_start(
    world: World, user_parameters: object, changes: dict[str, Any], message: str
) -> None:
    world.put_artifact(
        {
            "state_machine_input.json": b"{}",
            "list.json": b"[]",
            "broken.json": b"{\n",
            "nan.json": b'{"a": Infinity}',
            "large_number.json": b'{"a": 1e999}',
            "long_number.json": b'{"a": ' + b"9" * 5000 + b"}",
            "empty.json": b"",
            "deep.json": b'{"a":' + b"[" * 100_000,
            "latin.json": b'{"a": "\xff"}',
            "surrogate.json": b'{"a": "\\ud800"}',
            "huge.json": bytes(5 * MAX_INPUT_BYTES),
        }
    )
    kind, text = failure(world.send(world.first_job(user_parameters, **changes)))
    assert kind == "ConfigurationError"
    assert re.search(message, text), text
    assert not world.stepfunctions.executions


def test_artifact_without_the_default_file_is_a_configuration_error(world: World) -> None:
    world.put_artifact({"app/state_machine_input.json": b"{}"})
    kind, text = failure(world.send(world.first_job()))
    assert kind == "ConfigurationError"
    assert '"state_machine_input.json"' in text
    assert '"app/state_machine_input.json"' in text


def test_input_of_the_maximum_size_is_accepted_and_one_byte_more_is_rejected(world: World) -> None:
    world.put_artifact({"state_machine_input.json": b'{"a":""}'})
    event = world.first_job()
    world.send(event)
    rest = MAX_INPUT_BYTES - len(world.execution.input.encode())
    for extra, operation in ((0, "PutJobSuccessResult"), (1, "PutJobFailureResult")):
        text = "ü" * (rest // 2) + "x" * (rest % 2 + extra)
        world.put_artifact({"state_machine_input.json": json.dumps({"a": text}).encode()})
        result = world.send(world.first_job(job_id=str(uuid.uuid4())))
        assert world.calls[-1] == operation
    assert "262,145 bytes" in failure(result)[1]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", "PermissionError"),
        (400, "ExpiredToken", "PermissionError"),
        (404, "NoSuchKey", "RevisionUnavailable"),
        (404, "NoSuchVersion", "RevisionUnavailable"),
    ],
)
def test_failure_type_of_an_unreadable_artifact(world: World, status: int, code: str, kind: str) -> None:
    world.s3.fail_next("GetObject", code, status=status)
    assert failure(world.send(world.first_job()))[0] == kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", "PermissionError"),
        ("StateMachineDoesNotExist", "ConfigurationError"),
        ("InvalidExecutionInput", "ConfigurationError"),
    ],
)
def test_failure_type_of_a_refused_start(world: World, code: str, kind: str) -> None:
    world.stepfunctions.fail_next("StartExecution", code)
    failure_type, text = failure(world.send(world.first_job()))
    assert failure_type == kind
    assert "states:StartExecution" in text or "does not exist" in text


TRANSIENT = ["ThrottlingException", "ServiceUnavailable", "InternalFailure", "ExecutionLimitExceeded"]


@pytest.mark.parametrize("operation", ["DescribeStateMachine", "StartExecution"])
@pytest.mark.parametrize("code", TRANSIENT)
def test_next_job_starts_the_same_execution_after_a_transient_error(
    world: World, operation: str, code: str
) -> None:
    event = world.first_job()
    world.send(event)
    reference = world.execution
    world.stepfunctions.executions.clear()
    world.codepipeline.results.clear()
    world.configure()  # a new container, which reads the machine's type again
    world.stepfunctions.fail_next(operation, code)
    result = world.send(event)
    assert "externalExecutionId" not in result["executionDetails"]
    assert code in result["executionDetails"]["summary"]
    world.now += 30
    second = world.next_job(event)
    world.send(second)
    assert world.execution.name == reference.name
    assert world.execution.input == reference.input


def test_job_continues_when_s3_is_unavailable(world: World) -> None:
    world.s3.raise_next("GetObject", ReadTimeoutError(endpoint_url="https://s3"))
    assert "continuationToken" in world.send(world.first_job())
    world.s3.fail_next("GetObject", "SlowDown", status=503)
    assert "continuationToken" in world.send(world.first_job())


def test_job_continues_when_an_earlier_execution_cannot_be_described(world: World) -> None:
    world.put_artifact({})
    world.stepfunctions.fail_next("DescribeExecution", "ThrottlingException")
    assert "continuationToken" in world.send(world.first_job())


def test_job_fails_when_nothing_could_be_started_before_the_timeout(world: World) -> None:
    event = world.first_job({"input": {}, "timeoutMinutes": 10})
    world.stepfunctions.fail_next("StartExecution", "ThrottlingException")
    world.send(event)
    event = world.next_job(event)
    world.now += 600
    kind, text = failure(world.send(event))
    assert kind == "SystemUnavailable"
    assert "10 minutes" in text
    assert not world.stepfunctions.executions


def test_execution_that_a_redelivery_started_is_found_at_the_timeout(world: World) -> None:
    event = world.first_job({"input": {}, "timeoutMinutes": 10})
    world.stepfunctions.fail_next("StartExecution", "ThrottlingException")
    world.send(event)
    following = world.next_job(event)
    world.codepipeline.results.clear()
    world.send(event)
    world.now += 600
    assert world.execution.arn in world.send(following)["continuationToken"]


def test_state_machine_is_selected_by_name_or_arn(world: World) -> None:
    other = MACHINE.replace("deploy", "other")
    world.stepfunctions.machines[other] = "STANDARD"
    world.configure(ALLOWED_STATE_MACHINE_ARNS=f"{EXPRESS}, {other}")
    for name in ("other", other):
        world.stepfunctions.executions.clear()
        world.send(world.first_job({"input": {}, "stateMachine": name}))
        assert ":other:" in world.execution.arn


def test_missing_environment_variable_is_named_in_the_failure(world: World) -> None:
    world.configure(STATE_MACHINE_ARN="")
    kind, text = failure(world.send(world.first_job()))
    assert (kind, "STATE_MACHINE_ARN is not set" in text) == ("ConfigurationError", True)


def test_unexpected_error_fails_the_job_with_its_class_and_without_its_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_kwargs: object) -> str:
        raise KeyError("SECRET-ACCESS-KEY")

    monkeypatch.setattr("pipeline.first_job.execution_input", broken)
    kind, text = failure(world.send(world.first_job()))
    assert kind == "JobFailed"
    assert "unexpected KeyError" in text
    assert "SECRET" not in text

"""The first job: reads the input, starts once, and tells what to change when it cannot."""

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


def failure(answer: Any) -> tuple[str, str]:
    details = answer["failureDetails"]
    return details["type"], details["message"]


def test_the_execution_gets_the_default_file_and_what_the_pipeline_knows(world: World) -> None:
    event = world.first_job()
    answer = world.send(event)
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
    assert answer["executionDetails"]["externalExecutionId"] == world.execution.arn
    assert "#/v2/executions/details/" in answer["executionDetails"]["summary"]


def test_a_start_takes_three_calls_and_the_first_one_of_a_container_asks_for_the_type(world: World) -> None:
    world.send(world.first_job())
    assert world.calls == ["GetObject", "DescribeStateMachine", "StartExecution", "PutJobSuccessResult"]
    world.forget_calls()
    world.send(world.first_job())
    assert world.calls == ["GetObject", "StartExecution", "PutJobSuccessResult"]


def test_a_start_from_a_large_archive_takes_four_calls(world: World) -> None:
    world.send(world.first_job({"input": {}}))
    world.s3.put(ARTIFACT_BUCKET, ARTIFACT_KEY, sparse_archive(1024 * MIB))
    world.forget_calls()
    world.send(world.first_job("input.json"))
    assert len(world.calls) <= 4


def test_bug_7_a_redelivered_job_finds_its_execution_and_answers_the_same(world: World) -> None:
    event = world.first_job()
    first = world.send(event)
    world.codepipeline.answers.clear()  # as if the answer had been lost
    world.now += 60
    second = world.send(event)
    assert len(world.stepfunctions.executions) == 1
    assert second["executionDetails"]["externalExecutionId"] == world.execution.arn
    assert first["executionDetails"] == second["executionDetails"]


def test_a_job_that_was_answered_is_not_answered_again_and_nothing_is_raised(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.deliver(event)
    assert len(world.stepfunctions.executions) == 1
    assert len(world.codepipeline.answers) == 1


def test_an_execution_that_has_ended_before_the_redelivery_is_adopted(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.execution.succeed()
    world.codepipeline.answers.clear()
    answer = world.send(event)
    assert world.execution.arn in answer["continuationToken"]


def test_an_execution_of_our_name_is_ours_even_if_it_cannot_be_seen_yet(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.execution.succeed()  # so that the next start is refused
    world.codepipeline.answers.clear()
    world.stepfunctions.invisible.add(world.execution.arn)
    world.forget_calls()
    assert world.execution.arn in world.send(event)["continuationToken"]
    assert world.calls == ["GetObject", "StartExecution", "PutJobSuccessResult"]


def test_the_default_machine_may_be_named_although_it_is_not_on_the_list(world: World) -> None:
    for name in ("deploy", MACHINE):
        assert "continuationToken" in world.send(world.first_job({"input": {}, "stateMachine": name}))


def test_a_crash_after_the_start_with_credentials_expired_since_is_adopted(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.codepipeline.answers.clear()
    world.s3.fail_next(400, "ExpiredToken")
    assert world.execution.arn in world.send(event)["continuationToken"]


def test_a_setting_that_was_broken_since_the_start_does_not_lose_the_execution(world: World) -> None:
    event = world.first_job()
    world.send(event)
    world.codepipeline.answers.clear()
    world.put_artifact({})
    assert world.execution.arn in world.send(event)["continuationToken"]


def test_the_same_job_always_makes_the_same_input(world: World) -> None:
    event = world.first_job({"input": {"b": 1, "a": {"d": 1, "c": 2}}, "parameters": {"a": {"c": 3}}})
    world.send(event)
    text = world.execution.input
    assert text.startswith('{"a":{"c":3,"d":1},"b":1,"codepipeline":')
    world.stepfunctions.executions.clear()
    world.codepipeline.answers.clear()
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
        ({"input": {"codepipeline": "mine", "revisionS3Key": "mine"}}, {}),
    ],
)
def test_where_the_input_comes_from(
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
    own = {"codepipeline", "revisionS3Bucket", "revisionS3Key"}
    assert {key: value for key, value in document.items() if key not in own} == expected


def test_an_event_as_sam_generates_it(world: World) -> None:
    """`sam local generate-event codepipeline job`, with the artifact that it names."""
    event = json.loads((Path(__file__).parent / "cases" / "sam_generated_event.json").read_text())
    world.put_artifact({"in.json": b'{"a": 1}'})
    world.s3.put("example-bucket", "test/key", world.s3.objects[ARTIFACT_BUCKET, ARTIFACT_KEY])
    event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]["UserParameters"] = "in.json"
    assert "continuationToken" in world.send(event)
    assert json.loads(world.execution.input)["a"] == 1


def test_a_revision_that_is_absent_is_null(world: World) -> None:
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
def test_a_redelivered_job_writes_the_same_text_of_any_json(world: World, content: bytes, text: str) -> None:
    world.put_artifact({"state_machine_input.json": content})
    event = world.first_job()
    world.send(event)
    world.codepipeline.answers.clear()
    assert world.execution.input.startswith("{" + text + '"codepipeline":')
    assert "continuationToken" in world.send(event)
    assert len(world.stepfunctions.executions) == 1


def test_without_an_artifact_the_input_is_empty_but_for_our_own_members(world: World) -> None:
    world.send(world.first_job({"pipelineExecutionId": "42"}, inputArtifacts=[], artifactCredentials=None))
    document = json.loads(world.execution.input)
    assert set(document) == {"codepipeline"}
    assert document["codepipeline"]["pipelineExecutionId"] == "42"
    assert document["codepipeline"]["artifacts"] == []


def test_artifacts_are_read_with_the_jobs_credentials_and_other_objects_with_the_functions(
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
def test_what_cannot_succeed_fails_at_once_and_says_what_to_change(
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


def test_the_default_file_must_be_in_the_artifact(world: World) -> None:
    world.put_artifact({"app/state_machine_input.json": b"{}"})
    kind, text = failure(world.send(world.first_job()))
    assert kind == "ConfigurationError"
    assert '"state_machine_input.json"' in text
    assert '"app/state_machine_input.json"' in text


def test_an_input_of_exactly_the_limit_starts_and_one_byte_more_is_a_clear_error(world: World) -> None:
    world.put_artifact({"state_machine_input.json": b'{"a":""}'})
    event = world.first_job()
    world.send(event)
    rest = MAX_INPUT_BYTES - len(world.execution.input.encode())
    for extra, operation in ((0, "PutJobSuccessResult"), (1, "PutJobFailureResult")):
        text = "ü" * (rest // 2) + "x" * (rest % 2 + extra)
        world.put_artifact({"state_machine_input.json": json.dumps({"a": text}).encode()})
        answer = world.send(world.first_job(job_id=str(uuid.uuid4())))
        assert world.codepipeline.called[-1] == operation
    assert "262,145 bytes" in failure(answer)[1]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", "PermissionError"),
        (400, "ExpiredToken", "PermissionError"),
        (404, "NoSuchKey", "RevisionUnavailable"),
        (404, "NoSuchVersion", "RevisionUnavailable"),
    ],
)
def test_an_artifact_that_cannot_be_read(world: World, status: int, code: str, kind: str) -> None:
    world.s3.fail_next(status, code)
    assert failure(world.send(world.first_job()))[0] == kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", "PermissionError"),
        ("StateMachineDoesNotExist", "ConfigurationError"),
        ("InvalidExecutionInput", "ConfigurationError"),
    ],
)
def test_a_start_that_step_functions_refuses(world: World, code: str, kind: str) -> None:
    world.stepfunctions.fail_next("StartExecution", code)
    got, text = failure(world.send(world.first_job()))
    assert got == kind
    assert "states:StartExecution" in text or "does not exist" in text


TRANSIENT = ["ThrottlingException", "ServiceUnavailable", "InternalFailure", "ExecutionLimitExceeded"]


@pytest.mark.parametrize("operation", ["DescribeStateMachine", "StartExecution"])
@pytest.mark.parametrize("code", TRANSIENT)
def test_transient_trouble_at_the_start_continues_and_the_next_job_starts_the_same(
    world: World, operation: str, code: str
) -> None:
    event = world.first_job()
    world.send(event)
    reference = world.execution
    world.stepfunctions.executions.clear()
    world.codepipeline.answers.clear()
    world.configure()  # a new container, which asks for the machine's type again
    world.stepfunctions.fail_next(operation, code)
    answer = world.send(event)
    assert "externalExecutionId" not in answer["executionDetails"]
    assert code in answer["executionDetails"]["summary"]
    world.now += 30
    second = world.next_job(event)
    world.send(second)
    assert world.execution.name == reference.name
    assert world.execution.input == reference.input


def test_an_unreachable_artifact_store_continues(world: World) -> None:
    world.s3.failures.append(ReadTimeoutError(endpoint_url="https://s3"))
    assert "continuationToken" in world.send(world.first_job())
    world.s3.fail_next(503, "SlowDown")
    assert "continuationToken" in world.send(world.first_job())


def test_trouble_in_looking_for_an_earlier_start_continues(world: World) -> None:
    world.put_artifact({})
    world.stepfunctions.fail_next("DescribeExecution", "ThrottlingException")
    assert "continuationToken" in world.send(world.first_job())


def test_nothing_could_be_started_until_the_deadline(world: World) -> None:
    event = world.first_job({"input": {}, "timeoutMinutes": 10})
    world.stepfunctions.fail_next("StartExecution", "ThrottlingException")
    world.send(event)
    event = world.next_job(event)
    world.now += 600
    kind, text = failure(world.send(event))
    assert kind == "SystemUnavailable"
    assert "10 minutes" in text
    assert not world.stepfunctions.executions


def test_a_lost_answer_to_a_start_is_found_at_the_deadline(world: World) -> None:
    event = world.first_job({"input": {}, "timeoutMinutes": 10})
    world.stepfunctions.fail_next("StartExecution", "ThrottlingException")
    world.send(event)
    following = world.next_job(event)
    world.codepipeline.answers.clear()
    world.send(event)
    world.now += 600
    assert world.execution.arn in world.send(following)["continuationToken"]


def test_the_machine_can_be_chosen_by_name_or_arn(world: World) -> None:
    other = MACHINE.replace("deploy", "other")
    world.stepfunctions.machines[other] = "STANDARD"
    world.configure(ALLOWED_STATE_MACHINE_ARNS=f"{EXPRESS}, {other}")
    for name in ("other", other):
        world.stepfunctions.executions.clear()
        world.send(world.first_job({"input": {}, "stateMachine": name}))
        assert ":other:" in world.execution.arn


def test_a_missing_setting_fails_every_job_naming_it(world: World) -> None:
    world.configure(STATE_MACHINE_ARN="")
    kind, text = failure(world.send(world.first_job()))
    assert (kind, "STATE_MACHINE_ARN is not set" in text) == ("ConfigurationError", True)


def test_an_unexpected_error_still_answers_the_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_kwargs: object) -> str:
        raise KeyError("SECRET-ACCESS-KEY")

    monkeypatch.setattr("pipeline.first_job.execution_input", broken)
    kind, text = failure(world.send(world.first_job()))
    assert kind == "JobFailed"
    assert "unexpected KeyError" in text
    assert "SECRET" not in text

"""Output variables and the output artifact of a succeeded execution."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from pipeline.limits import MAX_OUTPUT_VARIABLES_BYTES
from pipeline.outputs import output_archive, output_variables
from tests.pipeline.test_start import failure
from tests.pipeline.world import ARTIFACT_BUCKET, World, artifact

OUTPUT = {"stack": {"ApiUrl": "https://api", "Ports": [80, 443]}, "count": 3, "none": None, "text": "ä"}
KMS_KEY = "arn:aws:kms:eu-west-1:000000000000:key/1"
KMS_ALIAS = "arn:aws:kms:eu-west-1:000000000000:alias/artifacts"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("stack.ApiUrl", "https://api"),
        ("stack.Ports", "[80,443]"),
        ("stack.Ports[1]", "443"),
        ("length(stack.Ports)", "2"),
        ("count", "3"),
        ("text", "ä"),
        ("none", None),
        ("missing.member", None),
        ("length(count)", None),
        ("not_null(&@)", None),
        ("sum(stack)", None),
        ("stack.Ports[::0]", None),
        ("stack.Ports[99999999999999999999]", None),
        ("count > `1`", "true"),
    ],
)
def test_selected_values_become_text(expression: str, value: str | None) -> None:
    result = output_variables(json.dumps(OUTPUT), {"Name": expression})
    assert result.values == ({} if value is None else {"Name": value})
    assert result.left_out == (("Name",) if value is None else ())


def test_number_that_is_too_large_leaves_out_only_its_own_variable() -> None:
    """An earlier bug: one such number in the output left out all variables."""
    output = f'{{"huge": 1e999, "long": {"9" * 5000}, "nan": NaN, "url": "https://x", "list": [1e999]}}'
    assert output_variables(output, None).values == {"url": "https://x"}
    result = output_variables(output, {name: name for name in ("huge", "long", "nan", "list", "url")})
    assert (result.values, result.left_out) == ({"url": "https://x"}, ("huge", "long", "nan", "list"))


def test_half_of_a_surrogate_pair_leaves_out_only_its_own_variable() -> None:
    result = output_variables(r'{"a": "\ud800", "b": {"\udc00": 1}, "c": 1}', {"A": "a", "B": "b", "C": "c"})
    assert (result.values, result.left_out) == ({"C": "1"}, ("A", "B"))


def test_default_variables_are_the_scalars_with_valid_names() -> None:
    document = {**OUTPUT, "a b": 1, "x.y": 2, "ok-1_@": False, "pi": 1.5, "half": "\ud800"}
    result = output_variables(json.dumps(document), None)
    assert result.values == {"count": "3", "text": "ä", "ok-1_@": "false", "pi": "1.5"}
    assert result.remark == ""


def test_summary_of_the_state_machine_is_a_remark() -> None:
    output = json.dumps({"a": 1, "stepline_summary": "Replaced:\nQueue."})
    assert output_variables(output, None).remark == " Replaced: Queue."
    assert output_variables(output, {"X": "x"}).remark.startswith(" Replaced: Queue. Left out, being null")


@pytest.mark.parametrize("summary", [None, 1, ["a"], {"a": 1}, ""])
def test_other_values_are_no_summary(summary: Any) -> None:
    assert output_variables(json.dumps({"stepline_summary": summary}), None).remark == ""


@pytest.mark.parametrize("output", [None, "null", "[]", '"text"', "1", "not json", "[" * 100_000])
def test_output_without_members_has_no_variables(output: str | None) -> None:
    assert output_variables(output, None).values == {}
    assert output_variables(output, {"A": "a"}).left_out == ("A",)


def test_variables_above_the_size_limit_are_left_out() -> None:
    sizes = {"Huge": MAX_OUTPUT_VARIABLES_BYTES, "Half": 62_000, "Half2": 62_000, "Small": 10}
    document = {name: "x" * size for name, size in sizes.items()}
    expressions = {name: name for name in sizes}
    result = output_variables(json.dumps(document), expressions)
    assert set(result.values) == {"Half", "Small"}
    assert result.left_out == ("Huge", "Half2")


def test_summary_names_the_variables_that_were_left_out(world: World) -> None:
    event, execution = world.start_execution({"input": {}, "outputVariables": {"Url": "url", "None": "none"}})
    execution.succeed('{"url": "https://x", "none": null}')
    result = world.send(event)
    assert result["outputVariables"] == {"Url": "https://x"}
    assert (
        "Left out, being null, too large or not in the output: None."
        in (result["executionDetails"]["summary"])
    )


@pytest.mark.parametrize("key", [KMS_KEY, KMS_ALIAS, "1234abcd-12ab-34cd-56ef-1234567890ab"])
def test_output_artifact_is_a_zip_encrypted_with_the_key_of_the_job(world: World, key: str) -> None:
    event, execution = world.start_execution(
        {"input": {}},
        outputArtifacts=[artifact("Out", "stepline/Out/1")],
        encryptionKey={"id": key, "type": "KMS"},
    )
    execution.succeed(json.dumps(OUTPUT))
    world.send(event)
    assert world.calls == ["PutObject", "DescribeExecution", "PutJobSuccessResult"]
    (request,) = world.s3.requests
    assert request.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert request.headers["x-amz-server-side-encryption-aws-kms-key-id"] == key
    assert request.access_key_id == "ARTIFACT-KEY-ID"
    content = world.s3.objects[ARTIFACT_BUCKET, "stepline/Out/1"]
    with zipfile.ZipFile(io.BytesIO(content[0 : len(content)])) as archive:
        assert archive.namelist() == ["output.json"]
        assert json.loads(archive.read("output.json")) == OUTPUT


def test_same_output_has_the_same_archive() -> None:
    assert output_archive('{"a": 1}') == output_archive('{"a": 1}')


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (400, "ExpiredToken")])
def test_output_artifact_is_written_by_the_next_job_after_a_transient_error(
    world: World, status: int, code: str
) -> None:
    event, execution = world.start_execution({"input": {}}, outputArtifacts=[artifact("Out", "out")])
    execution.succeed()
    world.s3.fail_next("PutObject", code, status=status)
    assert "continuationToken" in world.send(event)
    world.send(world.next_job(event))
    assert (ARTIFACT_BUCKET, "out") in world.s3.objects


def test_failure_to_write_the_output_artifact_reports_that_the_execution_succeeded(world: World) -> None:
    event, execution = world.start_execution({"input": {}}, outputArtifacts=[artifact("Out", "out")])
    execution.succeed()
    world.s3.fail_next("PutObject", "AccessDenied", status=403)
    kind, text = failure(world.send(event))
    assert kind == "PermissionError"
    assert text.startswith("The execution succeeded, but its output artifact s3://codepipeline-artifacts/out")
    assert text.endswith(execution.arn)

"""Templates of any size, and outputs of any size."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.stub import Stubber

from statemachines.deploy.limits import MAX_TEMPLATE_BODY_BYTES
from statemachines.deploy.template import template_arguments
from stepline.core.limits import MAX_TEMPLATE_BYTES
from stepline.localaws.protocol import AwsError
from tests.fakes.service import Fault
from tests.statemachines.deploy import case_runner
from tests.statemachines.deploy.machine import INPUT, Machine


def _large(size: int) -> str:
    """Return a template of exactly `size` bytes that has a character of two bytes."""
    frame = json.dumps({**case_runner.template({}), "Description": "ü"}, ensure_ascii=False)
    return frame.replace('"ü"', '"ü' + "x" * (size - len(frame.encode())) + '"')


@pytest.mark.parametrize("size", [MAX_TEMPLATE_BODY_BYTES, MAX_TEMPLATE_BODY_BYTES + 1, MAX_TEMPLATE_BYTES])
def test_template_of_any_size_is_deployed(machine: Machine, size: int) -> None:
    run = case_runner.run(machine, {"template": _large(size)})
    assert run.status == "SUCCEEDED", run.cause
    (call,) = machine.cloudformation.called("CreateStack")
    assert ("TemplateURL" in call) == (size > MAX_TEMPLATE_BODY_BYTES)
    if "TemplateURL" in call:
        assert call["TemplateURL"].startswith("http://s3.test/templates-bucket/templates/")
        assert "?" not in call["TemplateURL"]
        assert len(machine.s3.called("PutObject")) == len(machine.s3.called("DeleteObject")) == 1
    assert not [key for _, key in machine.s3.objects if key.startswith("templates/")]


def test_template_above_the_limit_is_refused(machine: Machine) -> None:
    run = case_runner.run(machine, {"template": _large(MAX_TEMPLATE_BYTES + 1)})
    assert run.error == "ArtifactUnreadableError"
    assert "has 1,000,001 bytes; the limit is 1,000,000." in run.cause


@pytest.mark.parametrize(
    "fault",
    [
        Fault("CreateStack", (1,), AwsError("no", code="ValidationError")),
        Fault("GetTemplateSummary", (1,), AwsError("no", code="ValidationError")),
        Fault("CreateStack", (1,), AwsError("slow", code="Throttling")),
    ],
    ids=lambda fault: f"{fault.operation} {fault.error}",
)
def test_temporary_template_is_deleted_when_cloudformation_refuses(machine: Machine, fault: Fault) -> None:
    machine.cloudformation.faults.append(fault)
    case_runner.run(machine, {"template": _large(MAX_TEMPLATE_BODY_BYTES + 1)})
    assert not [key for _, key in machine.s3.objects if key.startswith("templates/")]


def test_deployment_succeeds_when_its_temporary_template_cannot_be_deleted(machine: Machine) -> None:
    machine.s3.faults.append(Fault("DeleteObject", (1,), AwsError("no", code="AccessDenied", status=403)))
    run = case_runner.run(machine, {"template": _large(MAX_TEMPLATE_BODY_BYTES + 1)})
    assert run.status == "SUCCEEDED"


def test_executions_with_the_same_template_write_different_objects(machine: Machine) -> None:
    document = case_runner.prepare(machine, {"template": _large(MAX_TEMPLATE_BODY_BYTES + 1)})
    for name in ("one", "two"):
        machine.run(document, name=name)
    keys = [request.key for request in machine.s3.called("PutObject")]
    assert len(set(keys)) == 2
    assert len({key.split("/")[1] for key in keys}) == 2  # a folder for each execution


@pytest.mark.parametrize("text", ["", " \n", "\ufeff"])
def test_empty_template_is_refused(machine: Machine, text: str) -> None:
    machine.push({"template.json": text})
    run = machine.run(INPUT)
    assert (run.error, run.path[-1]) == ("InvalidInputError", "Failure Clean")
    assert run.cause == 'The template "template.json" in the artifact is empty.'


@pytest.mark.parametrize("character", ["x", "ü", '"'])
def test_deployment_with_outputs_too_large_for_an_execution_succeeds(
    machine: Machine, character: str
) -> None:
    """CloudFormation allows larger outputs than Step Functions."""
    outputs = {f"Output{n}": {"Value": character * 2000} for n in range(200)}
    run = case_runner.run(
        machine, {"template": json.dumps(case_runner.BASE | {"Outputs": outputs}, ensure_ascii=False)}
    )
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["Output0"] == character * 2000
    assert len(run.output) < len(outputs)


def test_template_that_is_not_utf_8_is_refused(machine: Machine) -> None:
    document = case_runner.prepare(machine, {})
    machine.push({"template.json": b"Resources: \xff"})
    run = machine.run(document)
    assert (run.error, run.cause) == (
        "InvalidInputError",
        '"template.json" in the artifact is not UTF-8 text.',
    )


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("us-east-1", "https://s3.amazonaws.com"),
        ("eu-west-1", "https://s3.eu-west-1.amazonaws.com"),
        ("me-south-1", "https://s3.me-south-1.amazonaws.com"),
        ("cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://s3.us-gov-west-1.amazonaws.com"),
    ],
)
@pytest.mark.parametrize("bucket", ["templates", "my.templates"])
def test_url_of_a_large_template_is_at_the_endpoint_of_the_region(
    region: str, endpoint: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The global host name does not work in regions that must be enabled, such as me-south-1."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    s3 = boto3.client("s3", region_name=region, aws_access_key_id="a", aws_secret_access_key="s")
    with Stubber(s3) as stubber:
        stubber.add_response("put_object", {})
        stubber.add_response("delete_object", {})
        large = "#" * (MAX_TEMPLATE_BODY_BYTES + 1)
        with template_arguments(s3, large, bucket=bucket, key="templates/an owner") as arguments:
            assert arguments["TemplateURL"].startswith(f"{endpoint}/{bucket}/templates/")
            assert arguments["TemplateURL"].endswith("/an%20owner")

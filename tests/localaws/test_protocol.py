"""The base of the JSON services, called through a boto3 client."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stepline.localaws.protocol import AwsError, JsonService, Params, in_process_client

JOB_ID = "11111111-2222-3333-4444-555555555555"


class JobNotFoundException(AwsError):  # noqa: N818 - AWS's name
    """The job does not exist."""


class Jobs(JsonService):
    service_name = "codepipeline"

    def __init__(self) -> None:
        self.calls: list[tuple[str, Params]] = []

    def put_job_success_result(self, params: Params) -> None:
        self.calls.append(("put_job_success_result", params))

    def get_pipeline(self, params: Params) -> Params:
        return {
            "metadata": {"pipelineArn": params["name"], "created": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}
        }

    def get_job_details(self, params: Params) -> Params:
        raise JobNotFoundException(f"there is no job {params['jobId']}")

    def list_pipelines(self, _params: Params) -> Params:
        return {"noSuchMember": 1}


class Blobs(JsonService):
    service_name = "codecommit"

    def put_file(self, params: Params) -> Params:
        assert params["fileContent"] == b"\x00\xff"
        return {"commitId": "c", "blobId": "b", "treeId": "t"}

    def get_blob(self, _params: Params) -> Params:
        return {"content": b"\x00\xff"}


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


def client_of(service: JsonService) -> Any:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return in_process_client(service, config=config)


def error_response(service: JsonService, operation: str, **params: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        getattr(client_of(service), operation)(**params)
    return dict(caught.value.response)


def test_request_calls_the_method_with_its_parameters(jobs: Jobs) -> None:
    client_of(jobs).put_job_success_result(jobId=JOB_ID, continuationToken="t")
    assert jobs.calls == [("put_job_success_result", {"jobId": JOB_ID, "continuationToken": "t"})]


def test_timestamps_are_returned_as_datetimes(jobs: Jobs) -> None:
    response = client_of(jobs).get_pipeline(name="p")
    assert response["metadata"]["created"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_blobs_are_bytes_in_requests_and_responses() -> None:
    client = client_of(Blobs())
    client.put_file(repositoryName="r", branchName="main", fileContent=b"\x00\xff", filePath="f")
    assert client.get_blob(repositoryName="r", blobId="b")["content"] == b"\x00\xff"


def test_modeled_error_is_the_client_exception_of_that_name(jobs: Jobs) -> None:
    client = client_of(jobs)
    with pytest.raises(client.exceptions.JobNotFoundException, match="there is no job"):
        client.get_job_details(jobId=JOB_ID)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Value null at 'jobId' failed to satisfy constraint: Member must not be null"),
        ({"jobId": "x"}, "at 'jobId' failed to satisfy constraint: Member must satisfy regular expression"),
        ({"jobId": JOB_ID, "continuationToken": ""}, "length greater than or equal to 1"),
        ({"jobId": JOB_ID, "continuationToken": "x" * 2049}, "length less than or equal to 2048"),
        ({"jobId": JOB_ID, "executionDetails": {"percentComplete": 101}}, "less than or equal to 100"),
        ({"jobId": JOB_ID, "outputVariables": {"a b": "c"}}, "regular expression pattern"),
        ({"jobId": 5}, "Member must be a string"),
    ],
)
def test_value_outside_the_model_is_a_validation_exception(
    jobs: Jobs, params: dict[str, Any], message: str
) -> None:
    error = error_response(jobs, "put_job_success_result", **params)["Error"]
    assert error["Code"] == "ValidationException"
    assert message in error["Message"]
    assert jobs.calls == []


def test_validation_exception_lists_all_errors(jobs: Jobs) -> None:
    error = error_response(jobs, "put_job_success_result", jobId="x", continuationToken="")["Error"]
    assert error["Message"].startswith("2 validation errors detected: ")


def test_unimplemented_operation_is_named(jobs: Jobs) -> None:
    response = error_response(jobs, "poll_for_jobs", actionTypeId={})
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "codepipeline:PollForJobs" in response["Error"]["Message"]


def test_response_outside_the_model_is_an_internal_failure(jobs: Jobs) -> None:
    assert error_response(jobs, "list_pipelines")["Error"]["Code"] == "InternalFailure"


@pytest.mark.parametrize("body", [b"{", b"\xff", b'"text"', b"[]"])
def test_invalid_body_is_rejected(jobs: Jobs, body: bytes) -> None:
    response = jobs.handle({"x-amz-target": "CodePipeline_20150709.GetPipeline"}, body)
    assert response.status == 400
    assert json.loads(response.body)["__type"] in {"SerializationException", "ValidationException"}


def test_implemented_operations_are_listed() -> None:
    assert Blobs.operations() == {"PutFile": "put_file", "GetBlob": "get_blob"}

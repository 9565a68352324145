"""CodePipeline with boto3 clients of S3 and STS, on moto: botocore accepts the requests."""

from __future__ import annotations

import io
import zipfile

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ParamValidationError, ReadTimeoutError
from moto import mock_aws

from stepline.localaws.clock import VirtualClock
from stepline.localaws.codepipeline import CodePipeline, S3Source, ServiceClients, Settings, SourceError
from stepline.localaws.context import Context
from stepline.localaws.protocol import in_process_client
from tests.localaws.codepipeline.fakes import (
    BUCKET,
    FakeLambda,
    Job,
    World,
    lambda_action,
    pipeline,
    source_action,
    stage,
)


def test_artifact_of_an_s3_source_is_readable_with_the_job_s_credentials() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("hello.txt", "hello")
    lambda_ = FakeLambda()
    clock = VirtualClock()

    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in (BUCKET, "sources"):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="sources", Key="app.zip", Body=content.getvalue())
        service = CodePipeline(
            Context(clock, lambda event: None),
            clients=ServiceClients(s3=s3, sts=boto3.client("sts", region_name="us-east-1"), lambda_=lambda_),
            settings=Settings(start_on_create=False),
        )
        client = in_process_client(service)
        read: list[bytes] = []

        def function(job: Job) -> None:
            keys = job["data"]["artifactCredentials"]
            session = boto3.Session(
                keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"], "us-east-1"
            )
            location = job["data"]["inputArtifacts"][0]["location"]["s3Location"]
            answer = session.client("s3").get_object(Bucket=location["bucketName"], Key=location["objectKey"])
            assert answer["ServerSideEncryption"] == "AES256"
            read.append(zipfile.ZipFile(io.BytesIO(answer["Body"].read())).read("hello.txt"))
            client.put_job_success_result(jobId=job["id"])

        lambda_.functions["trigger"] = function
        document = pipeline()
        document["stages"] = [
            stage(
                "Source",
                source_action(
                    actionTypeId={"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
                    configuration={"S3Bucket": "sources", "S3ObjectKey": "app.zip"},
                ),
            ),
            stage("Deploy", lambda_action()),
        ]
        client.create_pipeline(pipeline=document)
        client.start_pipeline_execution(name="app")
        clock.run()

    assert read == [b"hello"]


def test_source_bucket_without_versioning_is_refused() -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="sources")
        s3.put_object(Bucket="sources", Key="app.zip", Body=b"zip")
        source = S3Source(s3)
        with pytest.raises(SourceError, match="versioning"):
            source.latest({"S3Bucket": "sources", "S3ObjectKey": "app.zip"}, overrides={})
        with pytest.raises(SourceError, match="does not exist"):
            source.latest({"S3Bucket": "elsewhere", "S3ObjectKey": "app.zip"}, overrides={})


@pytest.mark.parametrize(
    "error",
    [EndpointConnectionError(endpoint_url="http://lambda"), ReadTimeoutError(endpoint_url="http://lambda")],
    ids=["not reached", "timed out"],
)
def test_event_is_sent_again_after_a_connection_error(world: World, error: Exception) -> None:
    invoke = world.lambda_.invoke
    calls: list[bytes] = []

    def unreliable(**params: object) -> dict[str, object]:
        calls.append(params["Payload"])  # type: ignore[arg-type]
        if len(calls) == 1:
            raise error
        return invoke(**params)  # type: ignore[arg-type]

    world.lambda_.invoke = unreliable  # type: ignore[method-assign]
    world.lambda_.functions["trigger"] = world.succeed
    world.create()

    assert world.status(world.run()) == "Succeeded"
    assert calls[0] == calls[1]


def test_function_name_that_boto3_refuses_fails_the_action(world: World) -> None:
    def refuse(**params: object) -> dict[str, object]:
        raise ParamValidationError(report="FunctionName")

    world.lambda_.invoke = refuse  # type: ignore[method-assign]
    world.create()
    execution_id = world.start()
    world.clock.advance(1)

    assert world.status(execution_id) == "Failed"
    assert "was not invoked" in world.latest()["errorDetails"]["message"]

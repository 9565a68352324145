"""A pipeline from start to end: the job's event, continuation, results and events."""

from __future__ import annotations

import json

import pytest

from tests.localaws.codepipeline.fakes import (
    BUCKET,
    COMMIT,
    ROLE_ARN,
    Job,
    World,
    client_error,
    lambda_action,
    stage,
)


def test_action_continues_with_a_second_job_and_succeeds(world: World) -> None:
    def trigger(job: Job) -> None:
        if "continuationToken" not in job["data"]:
            world.succeed(
                job,
                continuationToken="started",
                executionDetails={"summary": "Create Stack", "percentComplete": 10},
            )
        else:
            world.succeed(
                job,
                executionDetails={"summary": "done", "externalExecutionId": "arn:execution"},
                outputVariables={"ApiUrl": "https://api"},
            )

    world.lambda_.functions["trigger"] = trigger
    world.create(stage("Deploy", lambda_action(namespace="Deploy")))

    execution_id = world.run()

    first, second = world.lambda_.jobs
    assert first["id"] != second["id"]
    assert "continuationToken" not in first["data"]
    assert second["data"]["continuationToken"] == "started"
    assert world.status(execution_id) == "Succeeded"
    latest = world.latest()
    assert latest["summary"] == "done"
    assert latest["percentComplete"] == 10
    assert latest["externalExecutionId"] == "arn:execution"
    deploy, source = world.actions(execution_id)
    assert deploy["output"]["outputVariables"] == {"ApiUrl": "https://api"}
    assert source["output"]["executionResult"]["externalExecutionId"] == COMMIT
    assert world.event_names() == [
        "pipeline STARTED",
        "stage Source STARTED",
        "action Source/Source STARTED",
        "action Source/Source SUCCEEDED",
        "stage Source SUCCEEDED",
        "stage Deploy STARTED",
        "action Deploy/Deploy STARTED",
        "action Deploy/Deploy SUCCEEDED",
        "stage Deploy SUCCEEDED",
        "pipeline SUCCEEDED",
    ]


def test_event_of_the_job_is_that_of_aws(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    world.create(stage("Deploy", lambda_action(outputArtifacts=[{"name": "ADeploymentReport"}])))

    world.run()

    (event,) = world.lambda_.events
    job = event["CodePipeline.job"]
    data = job["data"]
    source_key = data["inputArtifacts"][0]["location"]["s3Location"]["objectKey"]
    report_key = data["outputArtifacts"][0]["location"]["s3Location"]["objectKey"]
    assert set(event) == {"CodePipeline.job"}
    assert set(job) == {"id", "accountId", "data"}
    assert job["accountId"] == "000000000000"
    assert data == {
        "actionConfiguration": {"configuration": {"FunctionName": "trigger"}},
        "inputArtifacts": [
            {
                "name": "SourceOutput",
                "revision": COMMIT,
                "location": {"type": "S3", "s3Location": {"bucketName": BUCKET, "objectKey": source_key}},
            }
        ],
        "outputArtifacts": [
            {
                "name": "ADeploymentReport",
                "revision": None,
                "location": {"type": "S3", "s3Location": {"bucketName": BUCKET, "objectKey": report_key}},
            }
        ],
        "artifactCredentials": {
            "accessKeyId": "ASIA1",
            "secretAccessKey": "SESSION-SECRET-KEY-1",
            "sessionToken": "SESSION-TOKEN-1",
            "expirationTime": 1767229200000,
        },
    }
    assert source_key.startswith("app/SourceOutp/")
    assert report_key.startswith("app/ADeploymen/")
    assert len(report_key.rpartition("/")[2]) == 7
    assert world.s3.objects[BUCKET, source_key] == f"zip of {COMMIT}".encode()


def test_session_policy_allows_the_artifact_store_only(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    key_arn = "arn:aws:kms:us-east-1:000000000000:key/k"
    store = {"type": "S3", "location": BUCKET, "encryptionKey": {"id": key_arn, "type": "KMS"}}
    world.create(artifactStore=store)

    world.run()

    (call,) = world.sts.called("AssumeRole")
    statements = json.loads(call["Policy"])["Statement"]
    assert call["RoleArn"] == ROLE_ARN
    assert {statement["Resource"] for statement in statements} == {
        f"arn:aws:s3:::{BUCKET}",
        f"arn:aws:s3:::{BUCKET}/*",
        key_arn,
    }
    assert world.lambda_.jobs[0]["data"]["encryptionKey"] == {"id": key_arn, "type": "KMS"}
    headers = world.s3.called("PutObject")[0].headers
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == key_arn
    assert headers["x-amz-server-side-encryption"] == "aws:kms"


def test_role_of_the_action_overrides_the_pipeline_s(world: World) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    role_arn = "arn:aws:iam::000000000000:role/action"
    world.create(stage("Deploy", lambda_action(roleArn=role_arn)))

    world.run()

    assert world.sts.called("AssumeRole")[0]["RoleArn"] == role_arn


def test_failed_action_fails_the_pipeline_with_its_message(world: World) -> None:
    world.lambda_.functions["trigger"] = lambda job: world.fail(job, "Create Stack: no", "ConfigurationError")
    world.create(stage("Deploy", lambda_action()), stage("After", lambda_action("Never")))

    execution_id = world.run()

    assert world.status(execution_id) == "Failed"
    assert world.latest()["errorDetails"] == {"code": "ConfigurationError", "message": "Create Stack: no"}
    assert world.actions(execution_id)[0]["output"]["executionResult"]["errorDetails"]["code"]
    assert world.stage("Deploy")["latestExecution"]["status"] == "Failed"
    assert "latestExecution" not in world.stage("After")
    failed = next(event for event in world.events if event.detail.get("state") == "FAILED")
    assert failed.detail["execution-result"] == {
        "external-execution-url": "https://console.aws.amazon.com/lambda/home?region=us-east-1#/functions/trigger",
        "external-execution-summary": "Create Stack: no",
        "error-code": "ConfigurationError",
    }
    assert failed.resources == ("arn:aws:codepipeline:us-east-1:000000000000:app",)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ResourceNotFoundException", "ConfigurationError"),
        ("AccessDeniedException", "PermissionError"),
        ("InvalidRequestContentException", "JobFailed"),
    ],
)
def test_error_of_invoke_fails_the_action(world: World, code: str, expected: str) -> None:
    def refuse(job: Job) -> None:
        raise client_error(code, "Invoke")

    world.lambda_.functions["trigger"] = refuse
    world.create()

    execution_id = world.run()

    assert world.status(execution_id) == "Failed"
    assert world.latest()["errorDetails"]["code"] == expected
    assert "trigger" in world.latest()["errorDetails"]["message"]

"""The sources CodeCommit and S3, and their errors."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pytest
from botocore.exceptions import EndpointConnectionError

from stepline.localaws.codepipeline import CodeCommitSource, SourceError
from stepline.localaws.protocol import AwsError
from tests.localaws.codepipeline.fakes import (
    BUCKET,
    COMMIT,
    World,
    client_error,
    lambda_action,
    pipeline,
    source_action,
    stage,
)

CONFIGURATION = {"RepositoryName": "app", "BranchName": "main"}


class FakeCodeCommit:
    def __init__(self, error: str | None = None) -> None:
        self.error = error

    def get_branch(self, *, repositoryName: str, branchName: str) -> dict[str, Any]:
        if self.error:
            raise client_error(self.error, "GetBranch")
        return {"branch": {"branchName": branchName, "commitId": COMMIT}}

    def get_repository(self, *, repositoryName: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:4566/v1/repos/{repositoryName}"
        return {"repositoryMetadata": {"cloneUrlHttp": url}}

    def get_commit(self, *, repositoryName: str, commitId: str) -> dict[str, Any]:
        if self.error:
            raise client_error(self.error, "GetCommit")
        author = {"name": "A", "email": "a@b", "date": "1767225600 +0100"}
        return {"commit": {"commitId": commitId, "message": "Hello\n", "author": author, "committer": author}}


def archive(repository: str, commit_id: str, target: BinaryIO) -> None:
    target.write(f"{repository} {commit_id}".encode())


def test_codecommit_source_returns_variables_and_content() -> None:
    source = CodeCommitSource(FakeCodeCommit(), archive)

    revision = source.latest(CONFIGURATION, overrides={})

    assert revision.id == COMMIT
    assert revision.created == datetime(2026, 1, 1, tzinfo=UTC)
    assert revision.variables == {
        "AuthorDate": "2026-01-01T00:00:00Z",
        "BranchName": "main",
        "CommitId": COMMIT,
        "CommitMessage": "Hello\n",
        "CommitterDate": "2026-01-01T00:00:00Z",
        "RepositoryName": "app",
    }
    with source.fetch(CONFIGURATION, revision) as content:
        assert content.read() == f"app {COMMIT}".encode()


def test_commit_id_overrides_the_branch() -> None:
    revision = CodeCommitSource(FakeCodeCommit(), archive).latest(
        CONFIGURATION, overrides={"COMMIT_ID": "2" * 40}
    )
    assert revision.id == "2" * 40


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        ("BranchDoesNotExistException", "ConfigurationError", "no branch named main"),
        ("RepositoryDoesNotExistException", "ConfigurationError", "repository app was not found"),
        ("CommitIdDoesNotExistException", "RevisionUnavailable", "commit was not found"),
        ("AccessDeniedException", "PermissionError", "could not be read"),
        ("EncryptionKeyUnavailableException", "SystemUnavailable", "could not be read"),
    ],
)
def test_codecommit_error_becomes_a_source_error(error: str, code: str, text: str) -> None:
    with pytest.raises(SourceError, match=text) as caught:
        CodeCommitSource(FakeCodeCommit(error), archive).latest(CONFIGURATION, overrides={})
    assert caught.value.code == code


def test_clone_reference_names_the_repository_and_the_commit() -> None:
    configuration = {**CONFIGURATION, "OutputArtifactFormat": "CODEBUILD_CLONE_REF"}
    source = CodeCommitSource(FakeCodeCommit(), archive)
    revision = source.latest(configuration, overrides={})
    with source.fetch(configuration, revision) as content:
        document = json.load(content)
    assert document["cloneUrl"] == "http://127.0.0.1:4566/v1/repos/app"
    assert document["commitId"] == revision.id


def s3_pipeline(world: World, **configuration: str) -> None:
    world.lambda_.functions["trigger"] = world.succeed
    action = source_action(
        actionTypeId={"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        configuration={"S3Bucket": "sources", "S3ObjectKey": "app.zip", **configuration},
    )
    parameters = {"UserParameters": "#{SourceVariables.VersionId} #{SourceVariables.ETag}"}
    document = pipeline()
    document["stages"] = [
        stage("Source", action),
        stage("Deploy", lambda_action(configuration=parameters)),
    ]
    world.client.create_pipeline(pipeline=document)


def put_source(world: World, key: str) -> None:
    world.s3.put("sources", key, b"old", version="v1")
    world.s3.put("sources", key, b"new", version="v2")


def test_s3_source_takes_the_latest_version(world: World) -> None:
    put_source(world, "app.zip")
    s3_pipeline(world)

    assert world.status(world.run()) == "Succeeded"

    (job,) = world.lambda_.jobs
    location = job["data"]["inputArtifacts"][0]["location"]["s3Location"]
    assert world.s3.objects[BUCKET, location["objectKey"]] == b"new"
    assert job["data"]["inputArtifacts"][0]["revision"] == "v2"
    assert job["data"]["actionConfiguration"]["configuration"]["UserParameters"].startswith("v2 ")


def test_version_and_key_can_be_overridden(world: World) -> None:
    put_source(world, "other.zip")
    s3_pipeline(world, AllowOverrideForS3ObjectKey="true")

    execution_id = world.run(
        sourceRevisions=[
            {"actionName": "Source", "revisionType": "S3_OBJECT_KEY", "revisionValue": "other.zip"},
            {"actionName": "Source", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "v1"},
        ]
    )

    assert world.status(execution_id) == "Succeeded"
    assert world.artifacts == [b"old"]


def test_key_override_must_be_allowed(world: World) -> None:
    s3_pipeline(world)
    revision = {"actionName": "Source", "revisionType": "S3_OBJECT_KEY", "revisionValue": "other.zip"}
    with pytest.raises(world.client.exceptions.ClientError, match="AllowOverrideForS3ObjectKey"):
        world.start(sourceRevisions=[revision])


def test_missing_object_fails_the_action(world: World) -> None:
    s3_pipeline(world)

    assert world.status(world.run()) == "Failed"
    error = world.latest("Source", "Source")["errorDetails"]
    assert error["code"] == "RevisionUnavailable"
    assert "app.zip" in error["message"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AwsError(code="AccessDenied", status=403), "PermissionError"),
        (EndpointConnectionError(endpoint_url="http://s3"), "PermissionError"),
    ],
)
def test_error_of_the_artifact_store_fails_the_action(world: World, error: Exception, code: str) -> None:
    world.s3.raise_next("PutObject", error)
    world.create()

    assert world.status(world.run()) == "Failed"
    latest = world.latest("Source", "Source")["errorDetails"]
    assert latest["code"] == code
    assert BUCKET in latest["message"]


def test_unexpected_error_of_a_source_fails_the_action(world: World) -> None:
    world.source.error = RuntimeError("a bug")
    world.create()

    assert world.status(world.run()) == "Failed"
    assert world.latest("Source", "Source")["errorDetails"]["code"] == "SystemUnavailable"

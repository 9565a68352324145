"""The S3 deploy action against the local S3, with the role of the pipeline."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localaws.codepipeline.fakes import World, pipeline, stage
from tests.localaws.codepipeline.remote import RemotePipeline, action, new_name

FILES = {"index.html": "<p>Hello</p>", "css/site.css": "p {}"}


def deploy(bucket: str, **configuration: str) -> dict[str, Any]:
    return action("Deploy", "Deploy/S3", {"BucketName": bucket, "Extract": "true", **configuration})


@pytest.fixture
def bucket(remote: RemotePipeline) -> str:
    name = new_name("website")
    remote.server.client("s3").create_bucket(Bucket=name)
    return name


def objects(remote: RemotePipeline, bucket: str) -> dict[str, str]:
    """Return the content types by key."""
    s3 = remote.server.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.head_object(Bucket=bucket, Key=key)["ContentType"] for key in keys}


def test_files_of_the_artifact_are_deployed(remote: RemotePipeline, bucket: str) -> None:
    remote.create([deploy(bucket)]).run(FILES)
    assert objects(remote, bucket) == {"index.html": "text/html", "css/site.css": "text/css"}


def test_files_are_deployed_below_the_object_key(remote: RemotePipeline, bucket: str) -> None:
    remote.create([deploy(bucket, ObjectKey="releases/#{SourceVariables.ETag}")]).run(FILES)
    etag = remote.variables("Source")["ETag"]
    assert set(objects(remote, bucket)) == {f"releases/{etag}/{name}" for name in FILES}


def test_artifact_is_deployed_as_a_zip(remote: RemotePipeline, bucket: str) -> None:
    remote.create([deploy(bucket, Extract="false", ObjectKey="site.zip")]).run(FILES)
    assert objects(remote, bucket) == {"site.zip": "application/zip"}


def test_objects_have_the_cache_control_of_the_action(remote: RemotePipeline, bucket: str) -> None:
    remote.create([deploy(bucket, CacheControl="public, max-age=60", CannedACL="private")]).run(FILES)
    head = remote.server.client("s3").head_object(Bucket=bucket, Key="index.html")
    assert head["CacheControl"] == "public, max-age=60"


def test_missing_permission_fails_the_action(remote: RemotePipeline, bucket: str) -> None:
    own = f"arn:aws:s3:::{remote.name}"
    statements = [{"Effect": "Allow", "Action": "s3:*", "Resource": [own, f"{own}/*"]}]
    remote.create([deploy(bucket)], statements=statements).run(FILES, expected="Failed")
    assert "s3:PutObject" in remote.error("Deploy")


def test_missing_bucket_fails_the_action(remote: RemotePipeline) -> None:
    remote.create([deploy(new_name("missing"))]).run(FILES, expected="Failed")
    assert "bucket does not exist" in remote.error("Deploy")


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"Extract": "yes"}, "invalid Extract 'yes'"),
        ({"Extract": "false"}, "missing required configuration 'ObjectKey'"),
    ],
)
def test_invalid_configuration_is_refused(world: World, configuration: dict[str, str], message: str) -> None:
    declared = {**deploy("website", **configuration), "inputArtifacts": [{"name": "SourceOutput"}]}
    with pytest.raises(world.client.exceptions.InvalidActionDeclarationException) as caught:
        world.client.create_pipeline(pipeline=pipeline(stage("Deploy", declared)))
    assert message in str(caught.value)

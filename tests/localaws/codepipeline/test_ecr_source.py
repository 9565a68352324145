"""The ECR source against the local ECR: a pushed image, the event of its push, and the artifact."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepline.localaws.codepipeline import EcrSource, SourceError
from tests.localaws.codepipeline.fakes import client_error
from tests.localaws.codepipeline.remote import RemotePipeline, new_name
from tests.waiting import wait_for

APPROVE = {
    "name": "Approve",
    "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
}


def source(repository: str, **configuration: str) -> dict[str, Any]:
    return {
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "ECR", "version": "1"},
        "configuration": {"RepositoryName": repository, **configuration},
    }


@pytest.fixture
def repository(remote: RemotePipeline) -> str:
    name = new_name("team/web")
    remote.server.client("ecr").create_repository(repositoryName=name)
    return name


def push(remote: RemotePipeline, repository: str, tag: str, content: str = "1") -> str:
    """Push an image and return its digest."""
    manifest = json.dumps({"schemaVersion": 2, "config": content})
    ecr = remote.server.client("ecr")
    image = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)["image"]
    return str(image["imageId"]["imageDigest"])


def add_rule(remote: RemotePipeline, repository: str) -> None:
    """Add the rule that AWS documents for this source."""
    events = remote.server.client("events")
    detail = {
        "action-type": ["PUSH"],
        "image-tag": ["latest"],
        "repository-name": [repository],
        "result": ["SUCCESS"],
    }
    pattern = {"detail": detail, "detail-type": ["ECR Image Action"], "source": ["aws.ecr"]}
    allow = [{"Effect": "Allow", "Action": "codepipeline:StartPipelineExecution", "Resource": "*"}]
    target = {
        "Id": "1",
        "Arn": f"arn:aws:codepipeline:us-east-1:000000000000:{remote.name}",
        "RoleArn": remote.create_role(f"{remote.name}-rule", "events", allow),
    }
    events.put_rule(Name=remote.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=remote.name, Targets=[target])


def executions(remote: RemotePipeline) -> list[dict[str, Any]]:
    answer = remote.client.list_pipeline_executions(pipelineName=remote.name)
    return list(answer["pipelineExecutionSummaries"])


def test_push_of_the_tag_starts_the_pipeline_with_the_image(remote: RemotePipeline, repository: str) -> None:
    remote.create([APPROVE], source=source(repository))
    add_rule(remote, repository)

    push(remote, repository, "1.0")
    assert executions(remote) == []
    digest = push(remote, repository, "latest")
    wait_for(lambda: [item for item in executions(remote) if item["sourceRevisions"]])

    (started,) = executions(remote)
    remote.execution_id = started["pipelineExecutionId"]
    uri = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{repository}@{digest}"
    assert started["trigger"]["triggerType"] == "CloudWatchEvent"
    assert started["sourceRevisions"][0]["revisionId"] == digest
    assert remote.variables("Source") == {
        "ImageDigest": digest,
        "ImageTag": "latest",
        "ImageURI": uri,
        "RegistryId": "000000000000",
        "RepositoryName": repository,
    }
    details = json.loads(remote.files("Source")["imageDetail.json"])
    assert " UTC " in details.pop("ImagePushedAt")
    assert details.pop("ImageSizeInBytes").isdecimal()
    assert details == {
        "ImageDigest": digest,
        "ImageTags": ["1.0", "latest"],
        "ImageURI": uri,
        "RegistryId": "000000000000",
        "RepositoryName": repository,
        "Version": "1.0",
    }


def test_digest_overrides_the_tag(remote: RemotePipeline, repository: str) -> None:
    first, _ = push(remote, repository, "latest", "1"), push(remote, repository, "latest", "2")
    remote.create([APPROVE], source=source(repository))
    revision = {"actionName": "Source", "revisionType": "IMAGE_DIGEST", "revisionValue": first}
    remote.client.start_pipeline_execution(name=remote.name, sourceRevisions=[revision])
    wait_for(lambda: [item for item in executions(remote) if item["sourceRevisions"]])
    assert executions(remote)[0]["sourceRevisions"][0]["revisionId"] == first


class Ecr:
    """A registry without the image. `error`: the code of AWS, or None for an empty list."""

    def __init__(self, error: str | None) -> None:
        self.error = error

    def describe_images(self, **_: Any) -> dict[str, Any]:
        if self.error:
            raise client_error(self.error, "DescribeImages")
        return {"imageDetails": []}


@pytest.mark.parametrize("error", [None, "ImageNotFoundException", "RepositoryNotFoundException"])
def test_missing_image_fails_the_source(error: str | None) -> None:
    with pytest.raises(SourceError, match=r"repository web has no image 2\.0") as caught:
        EcrSource(Ecr(error)).latest({"RepositoryName": "web", "ImageTag": "2.0"}, overrides={})
    assert caught.value.code == "RevisionUnavailable"


def test_missing_permission_fails_the_source(remote: RemotePipeline, repository: str) -> None:
    push(remote, repository, "latest")
    allowed = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
    remote.create([APPROVE], source=source(repository), statements=allowed).run({}, expected="Failed")
    assert "ecr:DescribeImages" in remote.error("Source")

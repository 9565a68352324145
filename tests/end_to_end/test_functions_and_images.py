"""Functions and images of users on the local AWS, with boto3."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

import pytest

from tests.end_to_end.local_aws import LocalAws

pytestmark = [pytest.mark.xdist_group("local_aws")]

ROLE = "arn:aws:iam::000000000000:role/none"


def _code(name: str, text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, text)
    return content.getvalue()


def test_function_of_another_language_says_that_it_does_not_run(local_aws: LocalAws) -> None:
    functions, name = local_aws.client("lambda"), f"ruby-{uuid.uuid4().hex[:8]}"
    functions.create_function(
        FunctionName=name,
        Runtime="ruby3.4",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": _code("index.rb", "def handler(event:, context:) = 1")},
    )
    response = functions.invoke(FunctionName=name)
    error = json.loads(response["Payload"].read())
    functions.delete_function(FunctionName=name)
    assert response["FunctionError"] == "Unhandled"
    assert error["errorType"] == "Runtime.NotSupported"
    assert f"{name} has ruby3.4" in error["errorMessage"]


def test_each_tag_of_an_image_is_listed(local_aws: LocalAws) -> None:
    registry, name = local_aws.client("ecr"), f"images-{uuid.uuid4().hex[:8]}"
    registry.create_repository(repositoryName=name)

    def put(content: str, tag: str) -> str:
        manifest = json.dumps({"schemaVersion": 2, "content": content})
        image = registry.put_image(repositoryName=name, imageManifest=manifest, imageTag=tag)["image"]
        return str(image["imageId"]["imageDigest"])

    first = put("first", "one")
    assert put("first", "latest") == first
    second = put("second", "latest")
    listed: list[dict[str, Any]] = registry.list_images(repositoryName=name)["imageIds"]
    assert sorted((image["imageDigest"], image.get("imageTag")) for image in listed) == sorted(
        [(first, "one"), (second, "latest")]
    )
    third = put("third", "latest")
    untagged = registry.list_images(repositoryName=name, filter={"tagStatus": "UNTAGGED"})["imageIds"]
    assert untagged == [{"imageDigest": second}]
    assert {"imageDigest": third, "imageTag": "latest"} in registry.list_images(repositoryName=name)[
        "imageIds"
    ]
    registry.delete_repository(repositoryName=name, force=True)

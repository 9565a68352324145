"""A fake client of ECR with one repository in memory."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

USER, PASSWORD = "AWS", "very-secret"


def error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@dataclass
class FakeEcr:
    """The repository "jobs".

    `images` has the tags by digest; `undeletable` are digests that ECR does not delete.
    """

    images: dict[str, list[str]] = field(default_factory=dict)
    undeletable: set[str] = field(default_factory=set)
    deletions: list[int] = field(default_factory=list)

    def push(self, digest: str, tag: str) -> None:
        for tags in self.images.values():
            if tag in tags:
                tags.remove(tag)
        self.images.setdefault(digest, []).append(tag)

    def get_authorization_token(self) -> dict[str, Any]:
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return {"authorizationData": [{"authorizationToken": token}]}

    def batch_get_image(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:
        if repositoryName != "jobs":
            raise error("RepositoryNotFoundException", "BatchGetImage")
        tag = imageIds[0]["imageTag"]
        found = [digest for digest, tags in self.images.items() if tag in tags]
        return {
            "images": [
                {"imageId": {"imageDigest": digest}, "imageManifest": digest, "imageManifestMediaType": "x"}
                for digest in found
            ]
        }

    def put_image(self, *, imageManifest: str, imageTag: str, **_members: str) -> None:
        if imageTag in self.images[imageManifest]:
            raise error("ImageAlreadyExistsException", "PutImage")
        self.push(imageManifest, imageTag)

    def get_paginator(self, _operation: str) -> FakeEcr:
        return self

    def paginate(self, *, repositoryName: str) -> Iterator[dict[str, Any]]:
        if repositoryName != "jobs":
            raise error("RepositoryNotFoundException", "DescribeImages")
        first_push = datetime(2026, 1, 1, tzinfo=UTC)
        details = [
            {"imageDigest": digest, "imageTags": tags, "imagePushedAt": first_push + timedelta(days=number)}
            for number, (digest, tags) in enumerate(self.images.items())
        ]
        yield {"imageDetails": details}

    def batch_delete_image(self, *, imageIds: list[dict[str, str]], **_members: str) -> dict[str, Any]:
        self.deletions.append(len(imageIds))
        failures = []
        for image in imageIds:
            digest = image["imageDigest"]
            if digest in self.undeletable:
                failures.append({"imageId": image, "failureReason": "is referenced"})
            else:
                del self.images[digest]
        return {"failures": failures}


class FakeSession:
    """A boto3 session whose clients are all the fake ECR."""

    def __init__(self, ecr: FakeEcr) -> None:
        self._ecr = ecr

    def client(self, _service: str, **_settings: object) -> FakeEcr:
        return self._ecr

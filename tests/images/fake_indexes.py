"""ECR with images of several manifests: an index, and the images and attestations that it refers to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from stepline.localaws.protocol import Params
from tests.fakes.service import FakeService

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"


def digest(name: str) -> str:
    return f"sha256:{name * 64}"[:71]


@dataclass(eq=False)
class FakeEcrWithIndexes(FakeService):
    """`references` has the digests to which each index refers, `images` the tags by digest, oldest first."""

    service_name: ClassVar[str] = "ecr"
    images: dict[str, list[str]] = field(default_factory=dict)
    references: dict[str, list[str]] = field(default_factory=dict)

    def push(self, tag: str, index: str, *children: str) -> None:
        """Push an index with its children, as Docker does with attestations; the tag moves to the index."""
        for tags in self.images.values():
            if tag in tags:
                tags.remove(tag)
        for child in children:
            self.images.setdefault(digest(child), [])
        self.images.setdefault(digest(index), []).append(tag)
        self.references[digest(index)] = [digest(child) for child in children]

    def describe_images(self, *, repositoryName: str) -> Params:
        assert repositoryName == "jobs"
        return {
            "imageDetails": [
                {
                    "imageDigest": found,
                    "imageTags": tags or None,
                    "imagePushedAt": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number),
                    "imageManifestMediaType": INDEX if found in self.references else IMAGE,
                }
                for number, (found, tags) in enumerate(self.images.items())
            ]
        }

    def batch_get_image(
        self, *, repositoryName: str, imageIds: list[dict[str, str]], acceptedMediaTypes: list[str]
    ) -> Params:
        assert (repositoryName, INDEX in acceptedMediaTypes) == ("jobs", True)
        found = [item["imageDigest"] for item in imageIds]
        return {
            "images": [
                {
                    "imageId": {"imageDigest": index},
                    "imageManifest": json.dumps(
                        {"manifests": [{"digest": child} for child in self.references[index]]}
                    ),
                }
                for index in found
            ]
        }

    def batch_delete_image(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> Params:
        """Refuse each image to which an index refers. ECR takes the images of a request in any order."""
        assert repositoryName == "jobs"
        assert len(imageIds) <= 100
        failures: list[Any] = []
        referenced = {child for children in self.references.values() for child in children}
        for image in imageIds:
            if image["imageDigest"] in referenced:
                failures.append(
                    {
                        "imageId": image,
                        "failureCode": "ImageReferencedByManifestList",
                        "failureReason": "Requested image referenced by manifest list",
                    }
                )
            else:
                del self.images[image["imageDigest"]]
                self.references.pop(image["imageDigest"], None)
        return {"failures": failures}

"""Deletes images of a repository of ECR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

MAX_DELETED = 100
"""Images that one BatchDeleteImage may name [model]."""


@dataclass(frozen=True)
class StoredImage:
    digest: str
    tags: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.digest} ({', '.join(self.tags) or 'no tag'})"


def list_images(ecr: ECRClient, repository: str) -> list[StoredImage]:
    """All images of the repository, the newest first. Raises UsageError if there is no such repository."""
    pages = ecr.get_paginator("describe_images").paginate(repositoryName=repository)
    try:
        found = [image for page in pages for image in page["imageDetails"]]
    except ClientError as error:
        if error.response["Error"]["Code"] == "RepositoryNotFoundException":
            raise UsageError(f"there is no repository {repository}") from error
        raise
    found.sort(key=lambda image: image["imagePushedAt"], reverse=True)
    return [StoredImage(image["imageDigest"], tuple(image.get("imageTags", []))) for image in found]


def choose(images: Sequence[StoredImage], references: Sequence[str]) -> list[StoredImage]:
    """The images with these tags or digests. Raises UsageError for one that no image has."""
    chosen: dict[str, StoredImage] = {}
    for reference in references:
        found = [image for image in images if reference == image.digest or reference in image.tags]
        if not found:
            raise UsageError(f"there is no image {reference!r}; there are: {_listed(images)}")
        chosen |= {image.digest: image for image in found}
    return list(chosen.values())


def delete_images(ecr: ECRClient, repository: str, images: Sequence[StoredImage]) -> None:
    """Delete them with all of their tags. Raises UsageError, naming those that ECR keeps."""
    for start in range(0, len(images), MAX_DELETED):
        answer = ecr.batch_delete_image(
            repositoryName=repository,
            imageIds=[{"imageDigest": image.digest} for image in images[start : start + MAX_DELETED]],
        )
        if kept := answer["failures"]:
            reasons = "; ".join(
                f"{item.get('imageId', {}).get('imageDigest')}: {item.get('failureReason')}" for item in kept
            )
            raise UsageError(f"ECR did not delete {reasons}")


def _listed(images: Sequence[StoredImage]) -> str:
    return ", ".join(str(image) for image in images) or "none"

"""Lists and deletes the images of an ECR repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

MAX_DELETED = 100
"""Images in one BatchDeleteImage request [model]."""


@dataclass(frozen=True)
class StoredImage:
    digest: str
    tags: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.digest} ({', '.join(self.tags) or 'no tag'})"


def list_images(ecr: ECRClient, repository: str) -> list[StoredImage]:
    """Return all images, newest first. Raises UsageError if the repository does not exist."""
    pages = ecr.get_paginator("describe_images").paginate(repositoryName=repository)
    try:
        found = [image for page in pages for image in page["imageDetails"]]
    except ClientError as error:
        if error_code(error) == "RepositoryNotFoundException":
            raise UsageError(f"repository {repository} does not exist") from error
        raise
    found.sort(key=lambda image: image["imagePushedAt"], reverse=True)
    return [StoredImage(image["imageDigest"], tuple(image.get("imageTags", []))) for image in found]


def find_images(images: Sequence[StoredImage], references: Sequence[str]) -> list[StoredImage]:
    """Return the images with these tags or digests. Raises UsageError for one that no image has."""
    found: dict[str, StoredImage] = {}
    for reference in references:
        matching = [image for image in images if reference == image.digest or reference in image.tags]
        if not matching:
            stored = ", ".join(map(str, images)) or "none"
            raise UsageError(f"image {reference!r} does not exist; the images are: {stored}")
        found |= {image.digest: image for image in matching}
    return list(found.values())


def delete_images(ecr: ECRClient, repository: str, images: Sequence[StoredImage]) -> None:
    """Delete the images with all of their tags. Raises UsageError with those that ECR does not delete."""
    for start in range(0, len(images), MAX_DELETED):
        response = ecr.batch_delete_image(
            repositoryName=repository,
            imageIds=[{"imageDigest": image.digest} for image in images[start : start + MAX_DELETED]],
        )
        if failures := response["failures"]:
            reasons = "; ".join(
                f"{item.get('imageId', {}).get('imageDigest')}: {item.get('failureReason')}"
                for item in failures
            )
            raise UsageError(f"ECR did not delete {reasons}")

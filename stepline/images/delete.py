"""Lists and deletes the images of an ECR repository."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageFailureTypeDef

MAX_IMAGES = 100
"""Images in one BatchDeleteImage or BatchGetImage request [model]."""

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
"""Media types of manifests that refer to others: a push of Docker has the image and its attestation, too."""

_REFERENCED = "ImageReferencedByManifestList"


@dataclass(frozen=True)
class StoredImage:
    """`is_index`: it refers to other images, which ECR deletes only after it."""

    digest: str
    tags: tuple[str, ...]
    is_index: bool = False

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
    return [
        StoredImage(
            image["imageDigest"],
            tuple(image.get("imageTags", [])),
            is_index=image.get("imageManifestMediaType") in _INDEXES,
        )
        for image in found
    ]


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


def add_referenced_images(
    ecr: ECRClient, repository: str, chosen: Sequence[StoredImage], stored: Sequence[StoredImage]
) -> list[StoredImage]:
    """Return the chosen images, and those of `stored` to which only the chosen ones refer."""
    references = dict(_references(ecr, repository, [image for image in stored if image.is_index]))
    digests = {image.digest: image for image in chosen}
    while True:
        used = {child for index, children in references.items() if index not in digests for child in children}
        referenced = {child for index in digests for child in references.get(index, ())}
        added = [
            i for i in stored if i.digest in referenced - used and i.digest not in digests and not i.tags
        ]
        if not added:
            return list(digests.values())
        digests |= {image.digest: image for image in added}


def _references(
    ecr: ECRClient, repository: str, indexes: Sequence[StoredImage]
) -> Iterator[tuple[str, list[str]]]:
    """Yield the digest of each index and those of the images to which it refers."""
    for start in range(0, len(indexes), MAX_IMAGES):
        response = ecr.batch_get_image(
            repositoryName=repository,
            imageIds=[{"imageDigest": image.digest} for image in indexes[start : start + MAX_IMAGES]],
            acceptedMediaTypes=list(_INDEXES),
        )
        for image in response["images"]:
            manifests = json.loads(image["imageManifest"])["manifests"]
            yield image["imageId"]["imageDigest"], [manifest["digest"] for manifest in manifests]


def delete_images(ecr: ECRClient, repository: str, images: Sequence[StoredImage]) -> None:
    """Delete the images with all of their tags, indexes before the images to which they refer.

    Raises UsageError with those that ECR does not delete.
    """
    remaining = sorted(images, key=lambda image: not image.is_index)
    while remaining:
        failures = list(_delete(ecr, repository, remaining))
        referenced = {
            failure.get("imageId", {}).get("imageDigest")
            for failure in failures
            if failure.get("failureCode") == _REFERENCED
        }
        if failures and (len(referenced) < len(failures) or len(referenced) == len(remaining)):
            reasons = "; ".join(
                f"{item.get('imageId', {}).get('imageDigest')}: {item.get('failureReason')}"
                for item in failures
            )
            raise UsageError(f"ECR did not delete {reasons}")
        remaining = [image for image in remaining if image.digest in referenced]


def _delete(ecr: ECRClient, repository: str, images: Sequence[StoredImage]) -> Iterator[ImageFailureTypeDef]:
    for start in range(0, len(images), MAX_IMAGES):
        response = ecr.batch_delete_image(
            repositoryName=repository,
            imageIds=[{"imageDigest": image.digest} for image in images[start : start + MAX_IMAGES]],
        )
        yield from response["failures"]

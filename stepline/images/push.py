"""Pushes the image of a folder to a repository of ECR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.core.errors import UsageError
from stepline.images.context import check_folder, content_tag
from stepline.images.dockerfile import parse_dockerfile
from stepline.images.engines import Engine, find_engine
from stepline.images.local_build import build
from stepline.oci.names import DEFAULT_TAG, ImageName, check_tag, parse_repository_uri
from stepline.oci.registry_client import RegistryClient

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_ecr import ECRClient


@dataclass(frozen=True)
class PushedImage:
    """`is_new` is false if the repository had that content already, and nothing was built."""

    name: ImageName
    digest: str
    is_new: bool

    @property
    def tags(self) -> tuple[str, str]:
        return self.name.reference, DEFAULT_TAG


def push_folder(
    folder: Path,
    *,
    repository_uri: str,
    session: boto3.Session,
    local_endpoint: str | None = None,
    tag: str | None = None,
    engine: Callable[[], Engine] = find_engine,
) -> PushedImage:
    """Build the folder's Dockerfile and push it under `tag` and `latest`.

    `tag` is by default made of the folder's content. An image that has the tag already is not built again,
    it only becomes `latest`. With `local_endpoint`, the address of a local AWS, no container engine is
    needed. Raises UsageError.
    """
    check_folder(folder)
    repository = parse_repository_uri(repository_uri)
    name = repository.at(check_tag(tag) if tag else content_tag(folder))
    ecr: ECRClient = session.client("ecr", endpoint_url=local_endpoint)
    digest = _digest(ecr, name)
    if digest is not None:
        _tag_latest(ecr, name)
        return PushedImage(name, digest, is_new=False)
    if local_endpoint is not None:
        return _push_here(folder, name, local_endpoint)
    return _push_with(engine(), folder, name, ecr)


def _push_here(folder: Path, name: ImageName, endpoint: str) -> PushedImage:
    image = build(folder, parse_dockerfile((folder / "Dockerfile").read_text()))
    registry = RegistryClient(endpoint, name.repository)
    for blob in image.blobs:
        registry.put_blob(blob)
    for tag in (name.reference, DEFAULT_TAG):
        registry.put_manifest(tag, image.manifest)
    return PushedImage(name, image.manifest.digest, is_new=True)


def _push_with(engine: Engine, folder: Path, name: ImageName, ecr: ECRClient) -> PushedImage:
    latest = name.at(DEFAULT_TAG)
    engine.build(folder, (name, latest))
    engine.login(ecr, name.host)
    for image in (name, latest):
        engine.push(image)
    digest = _digest(ecr, name)
    if digest is None:
        raise UsageError(
            f"{engine.name} has pushed {name}, but ECR does not have it: is it in another region?"
        )
    return PushedImage(name, digest, is_new=True)


def _digest(ecr: ECRClient, name: ImageName) -> str | None:
    """Of the image with that tag, if there is one. Raises UsageError if there is no such repository."""
    try:
        answer = ecr.batch_get_image(repositoryName=name.repository, imageIds=[{"imageTag": name.reference}])
    except ClientError as error:
        if error.response["Error"]["Code"] == "RepositoryNotFoundException":
            raise UsageError(f"there is no repository {name.uri}: deploy its stack first") from error
        raise
    return answer["images"][0]["imageId"]["imageDigest"] if answer["images"] else None


def _tag_latest(ecr: ECRClient, name: ImageName) -> None:
    (image,) = ecr.batch_get_image(repositoryName=name.repository, imageIds=[{"imageTag": name.reference}])[
        "images"
    ]
    try:
        ecr.put_image(
            repositoryName=name.repository,
            imageManifest=image["imageManifest"],
            imageManifestMediaType=image["imageManifestMediaType"],
            imageTag=DEFAULT_TAG,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ImageAlreadyExistsException":  # it is the latest
            raise

"""Builds the image of a folder and pushes it to an ECR repository."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code
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
    from mypy_boto3_ecr.type_defs import ImageTypeDef


@dataclass(frozen=True)
class PushedImage:
    """`is_new` is false if the repository had the image already, so that nothing was built."""

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

    The default `tag` is a digest of the folder's content. If the repository has an image with the tag, it is
    not built again and only becomes `latest`. With `local_endpoint`, the URL of a local AWS, no container
    engine is needed. Raises UsageError.
    """
    check_folder(folder)
    repository = parse_repository_uri(repository_uri)
    name = repository.at(check_tag(tag) if tag else content_tag(folder))
    ecr: ECRClient = session.client("ecr", endpoint_url=local_endpoint)
    stored = _find_image(ecr, name)
    if stored is not None:
        _tag_latest(ecr, name, stored)
        return PushedImage(name, stored["imageId"]["imageDigest"], is_new=False)
    if local_endpoint is not None:
        return _push_to_local_aws(folder, name, local_endpoint)
    return _push_with_engine(engine(), folder, name, ecr)


def _push_to_local_aws(folder: Path, name: ImageName, endpoint: str) -> PushedImage:
    image = build(folder, parse_dockerfile((folder / "Dockerfile").read_text()))
    registry = RegistryClient(endpoint, name.repository)
    for blob in image.blobs:
        registry.put_blob(blob)
    for tag in (name.reference, DEFAULT_TAG):
        registry.put_manifest(tag, image.manifest)
    return PushedImage(name, image.manifest.digest, is_new=True)


def _push_with_engine(engine: Engine, folder: Path, name: ImageName, ecr: ECRClient) -> PushedImage:
    latest = name.at(DEFAULT_TAG)
    engine.build(folder, (name, latest))
    engine.login(ecr, name.host)
    for image in (name, latest):
        engine.push(image)
    stored = _find_image(ecr, name)
    if stored is None:
        raise UsageError(f"{engine.name} has pushed {name}, but ECR does not have it: check its region")
    return PushedImage(name, stored["imageId"]["imageDigest"], is_new=True)


def _find_image(ecr: ECRClient, name: ImageName) -> ImageTypeDef | None:
    """Return the image with that tag, if it exists. Raises UsageError if the repository does not exist."""
    try:
        response = ecr.batch_get_image(
            repositoryName=name.repository, imageIds=[{"imageTag": name.reference}]
        )
    except ClientError as error:
        if error_code(error) == "RepositoryNotFoundException":
            raise UsageError(f"repository {name.uri} does not exist: deploy its stack first") from error
        raise
    return response["images"][0] if response["images"] else None


def _tag_latest(ecr: ECRClient, name: ImageName, image: ImageTypeDef) -> None:
    try:
        ecr.put_image(
            repositoryName=name.repository,
            imageManifest=image["imageManifest"],
            imageManifestMediaType=image["imageManifestMediaType"],
            imageTag=DEFAULT_TAG,
        )
    except ClientError as error:
        if error_code(error) != "ImageAlreadyExistsException":  # it is the latest already
            raise

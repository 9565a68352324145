"""The ECR source: an image, of which the artifact has a description.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECR.html. A rule on the event bus
starts the pipeline after a push.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from stepline.core.aws_errors import FailureKind, classify, error_code
from stepline.core.failure_types import FailureType
from stepline.core.local_aws import DEFAULT_REGION
from stepline.localaws.codepipeline.action_types import ActionTypeDefinition, aws_type
from stepline.localaws.codepipeline.actions.source import source_provider
from stepline.localaws.codepipeline.results import Revision
from stepline.localaws.codepipeline.sources import IMAGE_DIGEST, Configuration, Overrides, SourceError

_FILE = "imageDetail.json"
_DEFAULT_TAG = "latest"
_MISSING = ("RepositoryNotFoundException", "ImageNotFoundException")


class EcrSource:
    """The image that has a tag. `client`: boto3's ecr client. The role needs ecr:DescribeImages."""

    def __init__(self, client: Any, *, region: str = DEFAULT_REGION) -> None:
        self._client = client
        self._region = region

    def latest(self, configuration: Configuration, *, overrides: Overrides) -> Revision:
        digest = overrides.get(IMAGE_DIGEST)
        image = self._describe(configuration, {"imageDigest": digest} if digest else _tag(configuration))
        return Revision(
            id=image["imageDigest"],
            created=image.get("imagePushedAt"),
            url=_entity_url(configuration, self._region),
            variables={
                "ImageDigest": image["imageDigest"],
                "ImageTag": _tag(configuration)["imageTag"],
                "ImageURI": self._uri(image),
                "RegistryId": image["registryId"],
                "RepositoryName": image["repositoryName"],
            },
        )

    @contextmanager
    def fetch(self, configuration: Configuration, revision: Revision) -> Iterator[BinaryIO]:
        image = self._describe(configuration, {"imageDigest": revision.id})
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_FILE, json.dumps(self._details(image)))
        content.seek(0)
        yield content

    def _describe(self, configuration: Configuration, image_id: Mapping[str, str]) -> dict[str, Any]:
        name = configuration["RepositoryName"]
        try:
            found = self._client.describe_images(repositoryName=name, imageIds=[image_id])["imageDetails"]
        except ClientError as error:
            if error_code(error) not in _MISSING:
                raise _not_readable(name, error) from error
            found = []
        if not found:
            (identifier,) = image_id.values()
            raise SourceError(
                FailureType.REVISION_UNAVAILABLE,
                f"The action failed because the Amazon ECR repository {name} has no image {identifier}, or "
                "does not exist.",
            )
        return dict(found[0])

    def _details(self, image: Mapping[str, Any]) -> dict[str, Any]:
        """Return the content of imageDetail.json, all of whose numbers and dates are text.

        https://docs.aws.amazon.com/codepipeline/latest/userguide/file-reference.html
        """
        return {
            "ImageSizeInBytes": str(image["imageSizeInBytes"]),
            "ImageDigest": image["imageDigest"],
            "Version": "1.0",
            "ImagePushedAt": f"{image['imagePushedAt']:%a %b %d %H:%M:%S UTC %Y}",
            "RegistryId": image["registryId"],
            "RepositoryName": image["repositoryName"],
            "ImageURI": self._uri(image),
            "ImageTags": image.get("imageTags", []),
        }

    def _uri(self, image: Mapping[str, Any]) -> str:
        registry = f"{image['registryId']}.dkr.ecr.{self._region}.amazonaws.com"
        return f"{registry}/{image['repositoryName']}@{image['imageDigest']}"


def _tag(configuration: Configuration) -> dict[str, str]:
    return {"imageTag": configuration.get("ImageTag") or _DEFAULT_TAG}


def _not_readable(name: str, error: ClientError) -> SourceError:
    denied = classify(error) is FailureKind.PERMISSION
    return SourceError(
        FailureType.PERMISSION_ERROR if denied else FailureType.SYSTEM_UNAVAILABLE,
        f"The action failed because the Amazon ECR repository {name} could not be read. {error}",
    )


def _entity_url(configuration: Configuration, region: str) -> str:
    name = configuration["RepositoryName"]
    return f"https://{region}.console.aws.amazon.com/ecr/repositories/{name}/?region={region}"


DEFINITION = ActionTypeDefinition(
    type=aws_type("Source", "ECR"),
    inputs=(0, 0),
    outputs=(1, 1),
    required=("RepositoryName",),
    optional=("ImageTag",),
    provider=partial(source_provider, "ECR"),
    entity_url=_entity_url,
    revision_types=(IMAGE_DIGEST,),
)

"""What ministack's ECR lacks."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import ecr

_OK = 200


def delete_images_as_ecr() -> None:
    """Deleting a tag deletes an image that has others, too; and what was deleted can still be pulled.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
    """
    original = ecr._batch_delete_image

    def batch_delete_image(data: dict[str, Any]) -> Any:
        name = data.get("repositoryName", "")
        wanted = data.get("imageIds", [])
        rest = [image_id for image_id in wanted if not _untag(name, image_id)]
        untagged = [image_id for image_id in wanted if image_id not in rest]
        answer = original({**data, "imageIds": rest})
        _forget_deleted(name)
        return _with_untagged(answer, untagged)

    ecr._batch_delete_image = batch_delete_image


def _untag(repository: str, image_id: dict[str, str]) -> bool:
    """Whether only a tag had to go, as the image has others."""
    tag = image_id.get("imageTag")
    for image in ecr._images.get(repository, []):
        tags = image.get("imageTags", [])
        if tag in tags and "imageDigest" not in image_id and len(tags) > 1:
            tags.remove(tag)
            image["imageId"]["imageTag"] = tags[-1]
            return True
    return False


def _forget_deleted(repository: str) -> None:
    kept = {image["imageDigest"] for image in ecr._images.get(repository, [])}
    manifests = ecr._manifest_blobs.get(repository, {})
    for digest in [digest for digest in manifests if digest not in kept]:
        del manifests[digest]


def _with_untagged(answer: tuple[int, dict[str, str], bytes], untagged: list[dict[str, str]]) -> Any:
    status, headers, body = answer
    if not untagged or status != _OK:
        return answer
    document = json.loads(body)
    document["imageIds"] = [*untagged, *document["imageIds"]]
    return status, headers, json.dumps(document).encode()

"""Patches ministack's ECR: how images are deleted, how tags are listed, and the events of pushes."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from ministack.services import ecr

from stepline.localaws.events import AwsEvent, EventSink

_OK = 200
_CREATED = 201
_DIGEST = "sha256:"


def delete_images_as_ecr() -> None:
    """Delete only the tag of an image that has others, and delete the manifest with its image.

    ministack deletes the image with any of its tags, and it can be pulled afterwards.
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
    """
    original = ecr._batch_delete_image

    def batch_delete_image(data: dict[str, Any]) -> Any:
        name = data.get("repositoryName", "")
        image_ids = data.get("imageIds", [])
        rest = [image_id for image_id in image_ids if not _untag(name, image_id)]
        untagged = [image_id for image_id in image_ids if image_id not in rest]
        response = original({**data, "imageIds": rest})
        _delete_manifests(name)
        return _with_untagged(response, untagged)

    ecr._batch_delete_image = batch_delete_image


def list_each_tag() -> None:
    """List each tag of an image, and an image without a tag by its digest.

    ministack lists an image with the last tag that it got, even if another image has it now.
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html
    """
    original = ecr._list_images

    def list_images(data: dict[str, Any]) -> Any:
        status, headers, body = original(data)
        if status != _OK:
            return status, headers, body
        listed = {image["imageDigest"] for image in json.loads(body)["imageIds"]}
        images = [image for image in ecr._images[data["repositoryName"]] if image["imageDigest"] in listed]
        image_ids = [image_id for image in images for image_id in _image_ids(image)]
        return status, headers, json.dumps({"imageIds": image_ids}).encode()

    ecr._list_images = list_images


def send_push_events(publish: EventSink) -> None:
    """Send an event for each pushed image, by the API and by `docker push`; ministack sends none.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
    """
    original_put, original_push = ecr._put_image, ecr._v2_put_manifest

    def put_image(data: dict[str, Any]) -> Any:
        status, headers, body = original_put(data)
        if status == _OK:
            image_id = json.loads(body)["image"]["imageId"]
            publish(_push_event(data["repositoryName"], image_id["imageDigest"], data.get("imageTag", "")))
        return status, headers, body

    def put_manifest(name: str, reference: str, headers: Any, body: bytes) -> Any:
        response = original_push(name, reference, headers, body)
        if response[0] == _CREATED:
            digest = _DIGEST + hashlib.sha256(body).hexdigest()
            publish(_push_event(name, digest, "" if reference.startswith(_DIGEST) else reference))
        return response

    ecr._put_image = put_image
    ecr._v2_put_manifest = put_manifest


def _push_event(repository: str, digest: str, tag: str) -> AwsEvent:
    return AwsEvent(
        source="aws.ecr",
        detail_type="ECR Image Action",
        detail={
            "action-type": "PUSH",
            "image-digest": digest,
            "image-tag": tag,
            "repository-name": repository,
            "result": "SUCCESS",
        },
        time=datetime.now(UTC),
    )


def _image_ids(image: dict[str, Any]) -> list[dict[str, str]]:
    digest = {"imageDigest": image["imageDigest"]}
    return [{**digest, "imageTag": tag} for tag in image.get("imageTags", [])] or [digest]


def _untag(repository: str, image_id: dict[str, str]) -> bool:
    """Remove the tag and return True if the image has other tags."""
    tag = image_id.get("imageTag")
    for image in ecr._images.get(repository, []):
        tags = image.get("imageTags", [])
        if tag in tags and "imageDigest" not in image_id and len(tags) > 1:
            tags.remove(tag)
            image["imageId"]["imageTag"] = tags[-1]
            return True
    return False


def _delete_manifests(repository: str) -> None:
    """Delete the manifests of images that do not exist any more."""
    existing = {image["imageDigest"] for image in ecr._images.get(repository, [])}
    manifests = ecr._manifest_blobs.get(repository, {})
    for digest in [digest for digest in manifests if digest not in existing]:
        del manifests[digest]


def _with_untagged(response: tuple[int, dict[str, str], bytes], untagged: list[dict[str, str]]) -> Any:
    status, headers, body = response
    if not untagged or status != _OK:
        return response
    document = json.loads(body)
    document["imageIds"] = [*untagged, *document["imageIds"]]
    return status, headers, json.dumps(document).encode()

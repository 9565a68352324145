"""Artifacts in the artifact store: their keys, their upload, and the role that reads and writes them."""

from __future__ import annotations

import io
import shutil
import string
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, BinaryIO, cast

from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.declarations import ArtifactStore, PipelineDeclaration
from stepline.localaws.codepipeline.models import ActionExecution, Artifact
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.settings import SPOOLED_BYTES
from stepline.localaws.iam import Actor

_PIPELINE_CHARACTERS = 20
_ARTIFACT_CHARACTERS = 10
_RANDOM_CHARACTERS = 7
_ALPHABET = string.ascii_letters + string.digits


def new_artifact(runtime: Runtime, pipeline_name: str, store: ArtifactStore, artifact_name: str) -> Artifact:
    """Return an artifact with a new key, which looks like AWS's: `myPipeline/SourceArti/rC0O0p5`."""
    random_part = runtime.random_text(_ALPHABET, _RANDOM_CHARACTERS)
    key = f"{pipeline_name[:_PIPELINE_CHARACTERS]}/{artifact_name[:_ARTIFACT_CHARACTERS]}/{random_part}"
    return Artifact(name=artifact_name, bucket=store.bucket, key=key)


def upload(clients: ServiceClients, store: ArtifactStore, artifact: Artifact, content: BinaryIO) -> None:
    """Write the artifact's zip, encrypted: with the store's KMS key, if it has one, else by S3 itself.

    Without a key AWS uses the account's key aws/s3, which emulators of S3 do not have.
    """
    encryption = {"ServerSideEncryption": "AES256"}
    if store.encryption_key_id is not None:
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": store.encryption_key_id}
    clients.s3.put_object(
        Bucket=artifact.bucket,
        Key=artifact.key,
        Body=content,
        ContentType="application/zip",
        **encryption,
    )


def upload_files(
    clients: ServiceClients,
    action: ActionExecution,
    artifact: Artifact,
    files: Mapping[str, bytes],
    *,
    region: str,
) -> None:
    """Write an output artifact of the action, a zip with `files`."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    content.seek(0)
    upload(
        clients, action.execution.declaration.store(action.declaration.region or region), artifact, content
    )


def copy_to_region(
    runtime: Runtime, clients: ServiceClients, action: ActionExecution
) -> tuple[Artifact, ...]:
    """Return the action's input artifacts, copied if they are in the store of another region."""
    declaration = action.execution.declaration
    store = declaration.store(action.declaration.region or runtime.region)
    return tuple(
        artifact
        if artifact.bucket == store.bucket
        else _copy(runtime, clients, declaration.name, store, artifact)
        for artifact in action.inputs
    )


def _copy(
    runtime: Runtime, clients: ServiceClients, pipeline: str, store: ArtifactStore, artifact: Artifact
) -> Artifact:
    copy = replace(new_artifact(runtime, pipeline, store, artifact.name), revision=artifact.revision)
    body = clients.s3.get_object(Bucket=artifact.bucket, Key=artifact.key)["Body"]
    with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as file:
        content = cast("BinaryIO", file)
        shutil.copyfileobj(body, content)
        content.seek(0)
        upload(clients, store, copy, content)
    return copy


def artifact_document(artifact: Artifact) -> dict[str, Any]:
    """Return the artifact as it is in the event and the details of a job."""
    return {
        "name": artifact.name,
        "revision": artifact.revision,
        "location": {
            "type": "S3",
            "s3Location": {"bucketName": artifact.bucket, "objectKey": artifact.key},
        },
    }


def actor_of(action: ActionExecution) -> Actor:
    """Return CodePipeline acting as the pipeline's role, or as the action's own, which that role assumes."""
    return role_actor(action.execution.declaration, action.declaration.role_arn)


def role_actor(pipeline: PipelineDeclaration, own_role: str | None) -> Actor:
    """Return CodePipeline acting as the pipeline's role, or as `own_role` of an action."""
    is_another = own_role not in {None, pipeline.role_arn}
    via = pipeline.role_arn if is_another else ""
    return Actor("codepipeline.amazonaws.com", own_role or pipeline.role_arn, pipeline.name, via=via)

"""Where artifacts lie in the artifact store, and the credentials that open only that place."""

from __future__ import annotations

import json
import string
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, BinaryIO

from stepline.localaws.codepipeline.clients import Clients
from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.models import Artifact, ArtifactStore
from stepline.localaws.codepipeline.settings import CREDENTIALS_SECONDS
from stepline.localaws.codepipeline.state import ActionExecution
from stepline.localaws.iam import Actor, acting_as

_PIPELINE_PART = 20
_ARTIFACT_PART = 10
_RANDOM_PART = 7
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A session of the action's role. Its text form tells nothing."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return "Credentials(...)"


def allocate(core: Core, pipeline_name: str, store: ArtifactStore, artifact_name: str) -> Artifact:
    """A new place for an artifact, under a key like AWS's: `myPipeline/SourceArti/rC0O0p5`."""
    random_part = core.random_text(_ALPHABET, _RANDOM_PART)
    key = f"{pipeline_name[:_PIPELINE_PART]}/{artifact_name[:_ARTIFACT_PART]}/{random_part}"
    return Artifact(name=artifact_name, bucket=store.bucket, key=key)


def upload(clients: Clients, store: ArtifactStore, artifact: Artifact, content: BinaryIO) -> None:
    """Write a zip to its place, encrypted: by KMS if the store has a key, else by S3 itself.

    Without a key AWS takes the account's key aws/s3, which emulators of S3 do not have.
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


def actor_of(action: ActionExecution) -> Actor:
    """CodePipeline under the pipeline's role, or under the action's own, which that role assumes."""
    declaration = action.execution.declaration
    own = action.declaration.role_arn
    via = declaration.role_arn if own else ""
    return Actor("codepipeline.amazonaws.com", own or declaration.role_arn, declaration.name, via=via)


def job_credentials(clients: Clients, action: ActionExecution, store: ArtifactStore) -> Credentials:
    """A session of the action's role (the pipeline's, if it has none) for the artifact store's bucket only.

    Raises botocore's ClientError if the role cannot be assumed.
    """
    actor = actor_of(action)
    # CodePipeline assumes the pipeline's role itself, and as that role the action's.
    with acting_as(replace(actor, role_arn=actor.via, via="")) if actor.via else nullcontext():
        answer = clients.sts.assume_role(
            RoleArn=actor.role_arn,
            RoleSessionName=action.id,
            DurationSeconds=CREDENTIALS_SECONDS,
            Policy=_session_policy(store),
        )["Credentials"]
    return Credentials(
        access_key_id=answer["AccessKeyId"],
        secret_access_key=answer["SecretAccessKey"],
        session_token=answer["SessionToken"],
        expires_at=answer["Expiration"],
    )


def _session_policy(store: ArtifactStore) -> str:
    bucket = f"arn:aws:s3:::{store.bucket}"
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            "Resource": f"{bucket}/*",
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetBucketVersioning", "s3:GetBucketLocation", "s3:ListBucket"],
            "Resource": bucket,
        },
    ]
    if store.encryption_key_id is not None:
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": store.encryption_key_id if store.encryption_key_id.startswith("arn:") else "*",
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))

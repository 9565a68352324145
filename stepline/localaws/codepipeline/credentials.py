"""The credentials of a job: a session of the action's role, for the bucket of the artifact store only."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from stepline.core.aws_errors import AwsFailure, FailureKind, classify
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline.artifacts import actor_of
from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.declarations import ArtifactStore
from stepline.localaws.codepipeline.models import ActionExecution, Credentials
from stepline.localaws.codepipeline.results import ActionResult
from stepline.localaws.codepipeline.settings import CREDENTIALS_SECONDS
from stepline.localaws.iam import acting_as


def job_credentials(clients: ServiceClients, action: ActionExecution, store: ArtifactStore) -> Credentials:
    """Assume the action's role (the pipeline's, if it has none), for the artifact store's bucket only.

    Raises botocore's ClientError if the role cannot be assumed.
    """
    actor = actor_of(action)
    # CodePipeline assumes the pipeline's role itself, and as that role the action's.
    with acting_as(replace(actor, role_arn=actor.via, via="")) if actor.via else nullcontext():
        session = clients.sts.assume_role(
            RoleArn=actor.role_arn,
            RoleSessionName=action.id,
            DurationSeconds=CREDENTIALS_SECONDS,
            Policy=_session_policy(store),
        )["Credentials"]
    return Credentials(
        access_key_id=session["AccessKeyId"],
        secret_access_key=session["SecretAccessKey"],
        session_token=session["SessionToken"],
        expires_at=session["Expiration"],
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


def no_credentials(action: ActionExecution, error: AwsFailure) -> ActionResult:
    """Return the failure of an action whose role cannot be assumed."""
    role = action.declaration.role_arn or action.execution.declaration.role_arn
    denied = classify(error) is FailureKind.PERMISSION
    return ActionResult.failure(
        FailureType.PERMISSION_ERROR if denied else FailureType.SYSTEM_UNAVAILABLE,
        f"AWS CodePipeline could not assume the role {role}. Check that it exists and that its trust policy "
        f"allows it. Error: {error}",
    )

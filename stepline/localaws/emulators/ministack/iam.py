"""Patches ministack's IAM: reads its roles, sessions and policies, and keeps expired sessions."""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from typing import Any

from botocore.credentials import ReadOnlyCredentials
from ministack.core import iam_evaluator
from ministack.services import iam, kms, s3, sns, sts

from stepline.localaws.iam import Caller, Role

_MAX_SESSION_NAME = 64  # RoleSessionName in STS's model
_EXPIRED_KEPT_SECONDS = 3_600.0
_MANAGED_BY_AWS = "alias/aws/"


class MinistackDirectory:
    """Finds roles and resource policies; reads them at each request, so changes take effect at once."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id

    def role(self, name: str) -> Role | None:
        record = iam._roles.get_scoped(self._account_id, None, name)
        if record is None:
            return None
        policies = dict(record.get("InlinePolicies") or {})
        for arn in record.get("AttachedPolicies", []):
            policies[arn] = iam_evaluator._resolve_managed_policy_document(arn, self._account_id) or {}
        boundary = record.get("PermissionsBoundary") or None  # "" for a role that an API call created
        return Role(
            name=name,
            arn=record["Arn"],
            trust_policy=record["AssumeRolePolicyDocument"],
            policies=policies,
            boundary=boundary
            and (iam_evaluator._resolve_managed_policy_document(boundary, self._account_id) or {}),
        )

    def resource_policy(self, arn: str) -> str | None:
        service = arn.split(":")[2] if arn.startswith("arn:") else ""
        found = None
        if service == "s3":
            found = s3.bucket_policy_for_arn(arn)
        elif service == "kms":
            found = kms.key_policy_for_arn(arn)
        return (found and found[0]) or None


class MinistackObjects:
    """Finds objects of S3, topics of SNS, and the keys that they are encrypted with."""

    def exists(self, bucket: str, key: str) -> bool:
        return self._object(bucket, key) is not None

    def key_of_object(self, bucket: str, key: str) -> str | None:
        headers = (self._object(bucket, key) or {}).get("preserved_headers", {})
        encryption = headers.get("x-amz-server-side-encryption")
        if encryption is None:
            return self.default_key(bucket)
        named = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        return self.key_arn(named) if named and encryption == "aws:kms" else None

    def default_key(self, bucket: str) -> str | None:
        named = s3._bucket_default_sse_headers(bucket).get("x-amz-server-side-encryption-aws-kms-key-id")
        return self.key_arn(named) if named else None

    def key_of_topic(self, topic_arn: str) -> str | None:
        topic = sns._topic_by_arn_any_scope(topic_arn) or {}
        named = topic.get("attributes", {}).get("KmsMasterKeyId")
        return self.key_arn(named) if named else None

    def key_arn(self, identifier: str) -> str | None:
        if identifier.rpartition(":")[2].startswith(_MANAGED_BY_AWS):
            return None
        record = kms._resolve_key(identifier)
        return record["Arn"] if record else identifier

    def _object(self, bucket: str, key: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key)
        return found


def session_of(role: Role, *, account_id: str, name: str) -> ReadOnlyCredentials:
    """Return credentials of a session that never expires, the same for the same role and `name`."""
    name = name[:_MAX_SESSION_NAME]
    digest = hashlib.sha256(f"{role.arn} {name}".encode()).hexdigest()
    keys = ReadOnlyCredentials(f"ASIA{digest[:16].upper()}", digest[16:56], digest)
    if keys.access_key not in sts._sessions:
        session = {
            "Arn": f"arn:aws:sts::{account_id}:assumed-role/{role.name}/{name}",
            "UserId": f"{role.name}:{name}",
            "SecretAccessKey": keys.secret_key,
            "SessionToken": keys.token,
            "AccountId": account_id,
            "PrincipalType": "AssumedRole",
        }
        sts.register_session(keys.access_key, session)
    return keys


def caller_of(access_key: str) -> Caller | None:
    """Return the caller of a role session's access key; None for any other key, which is the developer's."""
    session = sts._sessions.get(access_key)
    if session is None or ":assumed-role/" not in session["Arn"]:
        return None
    account_id = session["Arn"].split(":")[4]
    role_name = session["Arn"].split("/")[1]
    role = iam._roles.get_scoped(account_id, None, role_name) or {}
    passed = session.get("SessionPolicies") or {}
    managed = [
        iam_evaluator._resolve_managed_policy_document(arn, account_id)
        for arn in passed.get("PolicyArns", [])
    ]
    documents = [passed.get("Policy"), *managed]
    return Caller(
        arn=session["Arn"],
        account_id=account_id,
        role_name=role_name,
        role_arn=role.get("Arn", ""),
        session_policies=tuple(
            text if isinstance(text, str) else json.dumps(text) for text in documents if text
        ),
    )


def keep_expired_sessions() -> None:
    """Keep expired sessions for an hour, to refuse their keys; ministack deletes them at once.

    An unknown key would count as the developer's.
    """
    ends: deque[tuple[float, str]] = deque()

    def register(access_key: str, session: dict[str, Any]) -> None:
        now = time.time()
        while ends and ends[0][0] < now:
            sts._sessions.pop(ends.popleft()[1], None)
        if "Expiration" in session:
            ends.append((session["Expiration"] + _EXPIRED_KEPT_SECONDS, access_key))
        sts._sessions[access_key] = {"IssuedAt": now, **session}

    sts.register_session = register

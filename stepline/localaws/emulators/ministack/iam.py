"""Patches ministack's IAM: reads its roles, sessions and policies, and keeps expired sessions."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections import deque
from typing import Any

from botocore.credentials import ReadOnlyCredentials
from ministack.core import iam_evaluator, responses
from ministack.services import iam, kms, s3, sns, sts

from stepline.localaws.iam import Caller, Role

_ACCOUNT_ID = re.compile(r"\d{12}")
_ARN_PARTS = 6
_BUCKET_ARN = "arn:aws:s3:::"
_MAX_SESSION_NAME = 64  # RoleSessionName in STS's model
_EXPIRED_KEPT_SECONDS = 3_600.0
_MANAGED_BY_AWS = "alias/aws/"


class MinistackDirectory:
    """Finds roles and resource policies; reads them at each request, so changes take effect at once."""

    def role(self, account_id: str, name: str) -> Role | None:
        record = iam._roles.get_scoped(account_id, None, name)
        if record is None:
            return None
        policies = dict(record.get("InlinePolicies") or {})
        for arn in record.get("AttachedPolicies", []):
            policies[arn] = iam_evaluator._resolve_managed_policy_document(arn, account_id) or {}
        boundary = record.get("PermissionsBoundary") or None  # "" for a role that an API call created
        return Role(
            name=name,
            arn=record["Arn"],
            trust_policy=record["AssumeRolePolicyDocument"],
            policies=policies,
            boundary=boundary
            and (iam_evaluator._resolve_managed_policy_document(boundary, account_id) or {}),
        )

    def region(self) -> str:
        return str(responses.get_region())

    def owner(self, arn: str) -> str:
        if arn.startswith(_BUCKET_ARN):
            bucket = arn.removeprefix(_BUCKET_ARN).partition("/")[0]
            return s3._bucket_owner_account(bucket) or ""
        parts = arn.split(":", 5)
        return parts[4] if len(parts) == _ARN_PARTS and _ACCOUNT_ID.fullmatch(parts[4]) else ""

    def resource_policy(self, arn: str, caller_account_id: str) -> str | None:
        owner = self.owner(arn)
        service, region = [*arn.split(":", 4), "", "", ""][2:4]
        if owner in {"", caller_account_id} and service not in {"s3", "kms"}:
            return None
        with responses.request_scope(owner or caller_account_id, region or self.region()):
            found = iam_evaluator._resource_policy(service, arn)
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
        with self._owner_of(bucket):
            headers = s3._bucket_default_sse_headers(bucket)
        named = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
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
        with self._owner_of(bucket):
            found: dict[str, Any] | None = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key)
        return found

    def _owner_of(self, bucket: str) -> contextlib.AbstractContextManager[None]:
        """Look up what follows in the account of the bucket, whoever asks."""
        account_id = s3._bucket_owner_account(bucket) or responses.get_account_id()
        scope: contextlib.AbstractContextManager[None] = responses.request_scope(
            account_id, responses.get_region()
        )
        return scope


def session_of(role: Role, name: str) -> ReadOnlyCredentials:
    """Return credentials of a session that never expires, the same for the same role and `name`."""
    name = name[:_MAX_SESSION_NAME]
    account_id = role.arn.split(":")[4]
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
        session_tags=tuple((tag["Key"], tag["Value"]) for tag in session.get("SessionTags") or ()),
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

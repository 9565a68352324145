"""ministack's IAM: its roles, sessions and policies as our enforcement reads them, and where it stands.

ministack's own enforcement (`AUTH=true`) does not know our services nor what AWS checks on a caller's
behalf, and does not tell which statement allowed a request. Its tables of actions, resources and error
formats are used.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.credentials import ReadOnlyCredentials
from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import iam, kms, s3, sts

from stepline.localaws.iam import (
    AccessDeniedError,
    Caller,
    Enforcement,
    Permission,
    PermissionRecord,
    Role,
)
from stepline.localaws.iam.required_permissions import S3Objects, ServiceRequest, required_permissions
from stepline.localaws.iam.service_requests import (
    batch_permissions,
    codecommit_permission,
    codepipeline_permission,
    logs_permission,
)
from stepline.localaws.protocol.rest import operation_at
from stepline.localaws.service_roles import ServiceRoles

_OURS = {
    "codecommit": codecommit_permission,
    "codepipeline": codepipeline_permission,
    "logs": logs_permission,
}
_EXPIRED = "The security token included in the request is expired"
_MAX_SESSION_NAME = 64  # RoleSessionName in STS's model
_EXPIRED_KEPT_SECONDS = 3_600.0
_FORM_BYTES = 65_536  # a request of STS, which is a form, is shorter; an object of S3 is not looked through
_ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})


def start(*, account_id: str, region: str) -> tuple[Enforcement, ServiceRoles]:
    """Enforce IAM from now on; what decides, and the sessions that services work in."""
    remember_expired_sessions()
    enforcement = Enforcement(MinistackDirectory(account_id), PermissionRecord(), region=region)
    enforce(enforcement)

    def session_keys(role: Role, name: str) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(*session_of(role, account_id=account_id, name=name).values())

    return enforcement, ServiceRoles(enforcement, session_keys, caller_of)


class MinistackDirectory:
    """Roles and resource policies, read anew at each request: IAM calls take effect at once."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id

    def role(self, name: str) -> Role | None:
        record = iam._roles.get_scoped(self._account_id, None, name)
        if record is None:
            return None
        policies = dict(record.get("InlinePolicies") or {})
        for arn in record.get("AttachedPolicies", []):
            policies[arn] = iam_evaluator._resolve_managed_policy_document(arn, self._account_id) or {}
        boundary = record.get("PermissionsBoundary") or None  # "" for a role that was made by an API call
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
    """Which objects there are, and the keys that they are encrypted with."""

    def exists(self, bucket: str, key: str) -> bool:
        return self._object(bucket, key) is not None

    def key_of_object(self, bucket: str, key: str) -> str | None:
        headers = (self._object(bucket, key) or {}).get("preserved_headers", {})
        encryption = headers.get("x-amz-server-side-encryption")
        if encryption is None:
            return self.default_key(bucket)
        return headers.get("x-amz-server-side-encryption-aws-kms-key-id") if encryption == "aws:kms" else None

    def default_key(self, bucket: str) -> str | None:
        key: str | None = s3._bucket_default_sse_headers(bucket).get(
            "x-amz-server-side-encryption-aws-kms-key-id"
        )
        return key

    def _object(self, bucket: str, key: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key)
        return found


def session_of(role: Role, *, account_id: str, name: str) -> dict[str, str]:
    """Credentials of a session of the role that never expires, the same for the same role and `name`."""
    name = name[:_MAX_SESSION_NAME]
    digest = hashlib.sha256(f"{role.arn} {name}".encode()).hexdigest()
    credentials = {
        "AWS_ACCESS_KEY_ID": f"ASIA{digest[:16].upper()}",
        "AWS_SECRET_ACCESS_KEY": digest[16:56],
        "AWS_SESSION_TOKEN": digest,
    }
    if credentials["AWS_ACCESS_KEY_ID"] not in sts._sessions:
        session = {
            "Arn": f"arn:aws:sts::{account_id}:assumed-role/{role.name}/{name}",
            "UserId": f"{role.name}:{name}",
            "SecretAccessKey": credentials["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": credentials["AWS_SESSION_TOKEN"],
            "AccountId": account_id,
            "PrincipalType": "AssumedRole",
        }
        sts.register_session(credentials["AWS_ACCESS_KEY_ID"], session)
    return credentials


def caller_of(access_key: str) -> Caller | None:
    """Whose session the access key belongs to; None for the developer's, which is any other key."""
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


def remember_expired_sessions() -> None:
    """An expired key must be refused; ministack forgets it at once, and an unknown key is the developer's."""
    ends: deque[tuple[float, str]] = deque()

    def register(access_key: str, session: dict[str, Any]) -> None:
        now = time.time()
        while ends and ends[0][0] < now:
            sts._sessions.pop(ends.popleft()[1], None)
        if "Expiration" in session:
            ends.append((session["Expiration"] + _EXPIRED_KEPT_SECONDS, access_key))
        sts._sessions[access_key] = {"IssuedAt": now, **session}

    sts.register_session = register


def enforce(enforcement: Enforcement) -> None:
    """Check every request of a role's session, whichever service it is for, before anything else sees it."""
    original = app._handle_post_body_shortcuts
    objects = MinistackObjects()

    async def handle(*args: Any) -> Any:
        method, path, headers, body, query, request_id = args
        access_key = router.extract_access_key_id(headers, query)
        if access_key in sts._sessions and (caller := caller_of(access_key)) is not None:
            request = _HttpRequest(method, path, headers, body, query)
            denied = request.check(caller, access_key, enforcement, objects)
            if denied is not None:
                return (denied[0], denied[1] | {"x-amzn-requestid": request_id}, denied[2])
        elif b"AssumeRole" in body[:_FORM_BYTES] and access_key != responses.get_account_id():
            # The account's id is the key of our own services.
            request = _HttpRequest(method, path, headers, body, query)
            if (denied := request.check_assumption(enforcement)) is not None:
                return (denied[0], denied[1] | {"x-amzn-requestid": request_id}, denied[2])
        return await original(*args)

    app._handle_post_body_shortcuts = handle


class _HttpRequest:
    """A request as it came, in ministack's terms."""

    def __init__(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> None:
        self._method = method
        self._headers = headers
        self._body = body
        self._query = app._routing_params(method, path, headers, body, query)
        bucket = _bucket_in_host(headers.get("host", ""))
        self._path = f"/{bucket}{path}" if bucket else path
        self._service = "s3" if bucket else router.detect_service(method, path, headers, self._query)

    def check(
        self, caller: Caller, access_key: str, enforcement: Enforcement, objects: S3Objects
    ) -> tuple[int, dict[str, str], bytes] | None:
        """The answer that refuses the request, or None."""
        if sts._session_expired(sts._sessions.get(access_key)):
            return self._refusal("", caller, _EXPIRED, code="ExpiredTokenException")
        try:
            need = self._need(caller.account_id)
            if need is None:
                return self._refusal("", caller, f"the local AWS cannot tell the IAM action of {self._path}")
            if need.action not in _ALWAYS_ALLOWED:
                enforcement.authorize(caller, self._needs(need, objects))
        except AccessDeniedError as error:
            return self._refusal(error.action, caller, error.message)
        except ValueError as error:  # a request or a policy that is none
            return self._refusal("", caller, f"the local AWS cannot decide: {error}")
        return None

    def check_assumption(self, enforcement: Enforcement) -> tuple[int, dict[str, str], bytes] | None:
        """The answer to a developer who wants to take a role that does not trust the account, or None.

        Nothing else is refused to whoever has no role.
        """
        parameters = self._parameters()
        if self._service != "sts" or parameters.get("Action") != "AssumeRole":
            return None
        account = responses.get_account_id()
        caller = Caller(arn=f"arn:aws:iam::{account}:root", account_id=account)
        try:
            enforcement.check_assumption(caller, parameters.get("RoleArn", ""))
        except AccessDeniedError as error:
            return self._refusal(error.action, caller, error.message)
        return None

    def _needs(self, need: Permission, objects: S3Objects) -> Iterator[Permission]:
        """Copying reads another object, and deleting many names them in the body."""
        parameters = self._parameters()
        yield from required_permissions(ServiceRequest(need, parameters), objects)
        if self._service == "batch":
            yield from self._batch_needs()[1:]
        if self._service == "s3":
            request = (self._method, self._path, self._headers, self._body, self._query)
            for action, arn in iam_actions.s3_additional_checks(*request):
                yield from required_permissions(ServiceRequest(Permission(action, arn), parameters), objects)

    def _need(self, account: str) -> Permission | None:
        region = responses.get_region()
        if self._service == "batch":
            return self._batch_needs()[0]
        if ours := _OURS.get(self._service):
            operation = self._headers.get("x-amz-target", "").rpartition(".")[2]
            return ours(operation, json.loads(self._body or b"{}"), account=account, region=region)
        request = (self._service, self._method, self._path, self._headers, self._body, self._query)
        action = iam_actions.extract_iam_action(*request)
        if action is None:
            return None
        return Permission(action, iam_actions.extract_resource_arn(*request, region, account))

    def _batch_needs(self) -> tuple[Permission, ...]:
        operation = operation_at("batch", self._method, self._path) or self._path
        parameters = json.loads(self._body or b"{}")
        return batch_permissions(
            operation, parameters, account=responses.get_account_id(), region=responses.get_region()
        )

    def _parameters(self) -> Mapping[str, str]:
        """Headers and parameters of the query protocol; what the rules look for is in one of them."""
        query = {name: value[0] if isinstance(value, list) else value for name, value in self._query.items()}
        return {**self._headers, **query}

    def _refusal(
        self, action: str, caller: Caller, message: str, *, code: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        if self._service == "s3" and self._method == "HEAD":
            return 403, {}, b""
        status, headers, body = iam_actions.access_denied_response(
            self._service, action, caller.arn, "", message=message, error_code=code, headers=self._headers
        )
        return status, dict(headers), body


def _bucket_in_host(host: str) -> str | None:
    """Of `<bucket>.s3.localhost` and the like; ministack serves those before it looks for a service."""
    bucket: str | None = app._extract_s3_vhost_bucket(host)
    if bucket is None or app._S3_VHOST_EXCLUDE_RE.search(host) or bucket in app._NON_S3_VHOST_NAMES:
        return None
    return bucket

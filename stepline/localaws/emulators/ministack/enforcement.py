"""Patches ministack's enforcement of IAM, which lacks services of the local AWS and many checks of AWS.

AWS checks more permissions on a caller's behalf than that of the request, and the record of permissions needs
the statement that allowed it. ministack's tables of actions, resources and error formats are used.
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions, responses, router
from ministack.services import cloudformation, s3, sts

from stepline.localaws.emulators.ministack.iam import (
    MinistackDirectory,
    MinistackObjects,
    caller_of,
    keep_expired_sessions,
    session_of,
)
from stepline.localaws.iam import AccessDeniedError, Caller, Enforcement, Permission, PermissionRecord
from stepline.localaws.iam.required_permissions import EncryptedObjects, ServiceRequest, required_permissions
from stepline.localaws.iam.service_requests import (
    batch_permissions,
    codebuild_permissions,
    codecommit_permission,
    codepipeline_permission,
    logs_permission,
    scheduler_permissions,
    state_machine_permission,
)
from stepline.localaws.protocol.rest import operation_at
from stepline.localaws.protocol.service import service_model
from stepline.localaws.service_roles import ServiceRoles

_PERMISSION_BY_SERVICE = {
    "codecommit": codecommit_permission,
    "codepipeline": codepipeline_permission,
    "logs": logs_permission,
}
_PERMISSIONS_BY_SERVICE = {
    "batch": batch_permissions,
    "codebuild": codebuild_permissions,
    "scheduler": scheduler_permissions,
}
"""Services whose requests may require several permissions; the first is that of the operation."""
_RESOURCE_MEMBERS = {"iam:SimulatePrincipalPolicy": "PolicySourceArn"}
"""Actions whose resource is in a parameter that ministack does not know."""

_DESCRIBE_ALARMS = "cloudwatch:DescribeAlarms"
_EXPIRED = "The security token included in the request is expired"
_MAX_FORM_BYTES = 65_536  # a form of STS is shorter; a larger body, such as an object of S3, is not searched
_ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})

_is_allowed: contextvars.ContextVar[bool] = contextvars.ContextVar("is_allowed", default=False)
"""Whether the current request is one of a role session that has its permissions."""

_Response = tuple[int, dict[str, str], bytes]


def start_enforcement(*, account_id: str) -> tuple[Enforcement, ServiceRoles]:
    """Enforce IAM from now on; return what decides, and the role sessions that services work in."""
    keep_expired_sessions()
    enforcement = Enforcement(MinistackDirectory(), PermissionRecord())
    enforce(enforcement, account_id=account_id)
    return enforcement, ServiceRoles(enforcement, session_of, caller_of)


def enforce(enforcement: Enforcement, *, account_id: str) -> None:
    """Check every request of a role session, to any service, before ministack processes it.

    `account_id` is the access key of the services themselves.
    """
    original = app._handle_post_body_shortcuts
    objects = MinistackObjects()
    _trust_decisions_about_buckets()

    async def handle(*args: Any) -> Any:
        method, path, headers, body, query, request_id = args
        access_key = router.extract_access_key_id(headers, query)
        denied: _Response | None = None
        if access_key in sts._sessions and (caller := caller_of(access_key)) is not None:
            request = _HttpRequest(method, path, headers, body, query)
            denied = request.check(caller, access_key, enforcement, objects)
            _is_allowed.set(denied is None)
        elif b"AssumeRole" in body[:_MAX_FORM_BYTES] and access_key != account_id:
            denied = _HttpRequest(method, path, headers, body, query).check_assumption(enforcement, objects)
        if denied is not None:
            return (denied[0], denied[1] | {"x-amzn-requestid": request_id}, denied[2])
        return await original(*args)

    app._handle_post_body_shortcuts = handle


def _trust_decisions_about_buckets() -> None:
    """Let a role session use a bucket of another account as the policies of both accounts allow.

    ministack asks whether the bucket's policy allows the whole account of the session, and its services find
    objects, such as templates, only in their own account.
    """
    allows, read = s3._foreign_bucket_allows, s3._get_object_data

    def read_object(bucket: str, *args: Any, **options: Any) -> Any:
        owner = s3._bucket_owner_account(bucket) if _is_allowed.get() else None
        with responses.request_scope(owner or responses.get_account_id(), responses.get_region()):
            return read(bucket, *args, **options)

    s3._foreign_bucket_allows = lambda *args, **options: _is_allowed.get() or allows(*args, **options)
    s3._get_object_data = read_object


class _HttpRequest:
    """A request to any service, in ministack's terms."""

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
        self, caller: Caller, access_key: str, enforcement: Enforcement, objects: EncryptedObjects
    ) -> _Response | None:
        """Return the response that refuses the request, or None."""
        if sts._session_expired(sts._sessions.get(access_key)):
            return self._refusal("", caller, _EXPIRED, code="ExpiredTokenException")
        try:
            need = self._permission(caller.account_id)
            if need is None:
                return self._refusal("", caller, f"the local AWS does not know the action of {self._path}")
            if need.action not in _ALWAYS_ALLOWED:
                enforcement.authorize(caller, self._permissions(need, objects))
        except AccessDeniedError as error:
            return self._refusal(error.action, caller, error.message)
        except ValueError as error:  # of an invalid request or policy
            return self._refusal("", caller, f"the local AWS cannot decide: {error}")
        return None

    def check_assumption(self, enforcement: Enforcement, objects: EncryptedObjects) -> _Response | None:
        """Return the response that refuses a developer a role that does not trust the account, or None.

        Nothing else is refused to a caller without a role.
        """
        parameters = self._parameters()
        if self._service != "sts" or parameters.get("Action") != "AssumeRole":
            return None
        account = responses.get_account_id()
        caller = Caller(arn=f"arn:aws:iam::{account}:root", account_id=account)
        try:
            need = Permission("sts:AssumeRole", parameters.get("RoleArn", ""))
            needs = required_permissions(ServiceRequest(need, parameters), objects)
            enforcement.check_assumption(caller, need.resource, permissions=needs)
        except AccessDeniedError as error:
            return self._refusal(error.action, caller, error.message)
        return None

    def _permissions(self, permission: Permission, objects: EncryptedObjects) -> Iterator[Permission]:
        """Yield all permissions: a copy reads another object, the body of a deletion may name many."""
        if self._service == "dynamodb":
            yield from self._table_permissions(permission)
            return
        parameters = self._parameters()
        yield from required_permissions(ServiceRequest(permission, parameters), objects)
        yield from self._several_permissions()[1:]
        if permission.action == _DESCRIBE_ALARMS:
            yield from self._alarm_permissions()[1:]
        if self._service == "s3":
            request = (self._method, self._path, self._headers, self._body, self._query)
            for action, arn in iam_actions.s3_additional_checks(*request):
                yield from required_permissions(ServiceRequest(Permission(action, arn), parameters), objects)

    def _table_permissions(self, permission: Permission) -> Iterator[Permission]:
        """Yield one permission for each table of a batch, and for each item of a transaction.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
        """
        scope = (self._body, responses.get_region(), responses.get_account_id())
        needs = iam_actions.dynamodb_transaction_checks(permission.action, *scope) or [
            (permission.action, arn)
            for arn in iam_actions.dynamodb_resource_arns(*scope) or [permission.resource]
        ]
        found = iam_actions.dynamodb_service_context(self._body)
        context = {
            key.lower(): tuple(value) if isinstance(value, list) else value for key, value in found.items()
        }
        for action, arn in needs:
            yield Permission(action, arn, context)

    def _permission(self, account: str) -> Permission | None:
        region = responses.get_region()
        if several := self._several_permissions():
            return several[0]
        if permission_of := _PERMISSION_BY_SERVICE.get(self._service):
            document = json.loads(self._body or b"{}")
            return permission_of(self._operation(), document, account=account, region=region)
        request = (self._service, self._method, self._path, self._headers, self._body, self._query)
        action: str | None = iam_actions.extract_iam_action(*request)
        if action is None and self._service == "lambda":
            # ministack knows the paths of some operations only.
            found = operation_at("lambda", self._method, self._path)
            action = f"lambda:{found}" if found else None
        if action is None:
            return None
        if member := _RESOURCE_MEMBERS.get(action):
            return Permission(action, self._parameters().get(member, "*"))
        if action == _DESCRIBE_ALARMS:
            return self._alarm_permissions()[0]
        if action == "cloudformation:DescribeEvents" and (stack := self._stack_of_change_set()):
            return Permission(action, stack)
        resource = iam_actions.extract_resource_arn(*request, region, account)
        if action.startswith("states:"):
            return state_machine_permission(action, resource)
        return Permission(action, resource)

    def _stack_of_change_set(self) -> str:
        """Return the ARN of the stack whose change set the request names, or a blank text."""
        change_set = cloudformation._change_sets.get(self._parameters().get("ChangeSetName", ""), {})
        return str(change_set.get("StackId", ""))

    def _several_permissions(self) -> tuple[Permission, ...]:
        """Return the permissions of a request to one of `_PERMISSIONS_BY_SERVICE`, otherwise none."""
        permissions_of = _PERMISSIONS_BY_SERVICE.get(self._service)
        if permissions_of is None:
            return ()
        parameters = self._schedule() if self._service == "scheduler" else {}
        parameters |= json.loads(self._body or b"{}")
        return permissions_of(
            self._operation(), parameters, account=responses.get_account_id(), region=responses.get_region()
        )

    def _operation(self) -> str:
        """Return the operation that the path names, or the header where the protocol is not REST."""
        if service_model(self._service).metadata["protocol"] == "rest-json":
            return operation_at(self._service, self._method, self._path) or self._path
        return self._headers.get("x-amz-target", "").rpartition(".")[2]

    def _schedule(self) -> dict[str, Any]:
        """Return the parameters in the path and the query of a request to EventBridge Scheduler."""
        label = unquote(self._path.partition("/")[2].partition("/")[2])
        return {"GroupName": self._parameters().get("groupName"), "Name": label, "ResourceArn": label}

    def _alarm_permissions(self) -> list[Permission]:
        """Return the permissions to describe alarms, by their names if the request has some."""
        given = json.loads(self._body) if self._body[:1] == b"{" else {}
        members = (value for key, value in self._query.items() if key.startswith("AlarmNames.member."))
        queried = (value[0] if isinstance(value, list) else value for value in members)
        place = f"{responses.get_region()}:{responses.get_account_id()}"
        names = [*(given.get("AlarmNames") or ()), *queried] or ["*"]
        return [Permission(_DESCRIBE_ALARMS, f"arn:aws:cloudwatch:{place}:alarm:{name}") for name in names]

    def _parameters(self) -> Mapping[str, str]:
        """Return headers, and parameters of the query protocol or of CloudWatch's; the rules need members."""
        query = {name: value[0] if isinstance(value, list) else value for name, value in self._query.items()}
        document = json.loads(self._body) if self._service == "monitoring" and self._body[:1] == b"{" else {}
        text = {name: value for name, value in document.items() if isinstance(value, str)}
        return {**self._headers, **query, **text}

    def _refusal(self, action: str, caller: Caller, message: str, *, code: str = "") -> _Response:
        if self._service == "s3" and self._method == "HEAD":
            return 403, {}, b""
        status, headers, body = iam_actions.access_denied_response(
            self._service, action, caller.arn, "", message=message, error_code=code, headers=self._headers
        )
        return status, dict(headers), body


def _bucket_in_host(host: str) -> str | None:
    """Return the bucket of a host such as `<bucket>.s3.localhost`, which ministack looks for first."""
    bucket: str | None = app._extract_s3_vhost_bucket(host)
    if bucket is None or app._S3_VHOST_EXCLUDE_RE.search(host) or bucket in app._NON_S3_VHOST_NAMES:
        return None
    return bucket

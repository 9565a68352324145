"""Allows or denies requests to the local AWS.

A request requires one or more permissions of its caller. Requests not signed by a role session are
unrestricted, such as the developer's with any access key.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from stepline.localaws.iam.conditions import ContextValue
from stepline.localaws.iam.evaluation import Decision, Policies, Verdict, decide
from stepline.localaws.iam.permission_record import PermissionRecord
from stepline.localaws.iam.policy import Effect, Request, Statement, parse
from stepline.localaws.iam.principals import Caller

_log = logging.getLogger(__name__)

_EXTERNAL_ID = "sts:externalid"
_ASSUME_ROLE = "sts:AssumeRole"
_TRUSTED_ACTIONS = frozenset({_ASSUME_ROLE, "sts:TagSession"})
"""Actions that the trust policy of a role must allow."""

_PASS_ROLE = "iam:PassRole"  # noqa: S105
PASSED_TO_SERVICE = "iam:passedtoservice"
_ARN_COLONS = 5
_KMS = "kms:"
_ANY_RESOURCE = "*"


@dataclass(frozen=True)
class Permission:
    """One permission that a request requires. Context keys are in lower case."""

    action: str
    resource: str
    context: Mapping[str, ContextValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Role:
    """`policies`: name -> document, inline and managed alike."""

    name: str
    arn: str
    trust_policy: str
    policies: Mapping[str, str | Mapping[str, Any]]
    boundary: str | Mapping[str, Any] | None = None


class PolicyStore(Protocol):
    """Where roles and the policies of resources are stored."""

    def role(self, account_id: str, name: str) -> Role | None: ...

    def region(self) -> str:
        """Return the region of the current request."""

    def owner(self, arn: str) -> str:
        """Return the account of a resource; blank if there is none, as for `*`."""

    def resource_policy(self, arn: str, caller_account_id: str) -> str | None:
        """Return the policy of a bucket, of an object's bucket, or of a KMS key.

        For a resource of another account than the caller's: of anything that has a policy.
        """


class AccessDeniedError(Exception):
    """The caller lacks the permission for `action`. `message` is AWS's own."""

    def __init__(self, message: str, action: str) -> None:
        super().__init__(message)
        self.message = message
        self.action = action


class Enforcement:
    def __init__(self, store: PolicyStore, record: PermissionRecord) -> None:
        self._store = store
        self.record = record

    def authorize(self, caller: Caller, permissions: Iterable[Permission]) -> None:
        """Raises AccessDeniedError for the first permission that the caller lacks.

        A role can be passed only to a service that it trusts.
        """
        for permission in permissions:
            context = self._context(caller, permission)
            request = Request(caller, permission.action, permission.resource, context)
            decision = self._decide(request)
            if not decision.allowed:
                raise self._denied(request, decision.verdict)
            self.record.add_allowed(request, decision)
            if permission.action == _PASS_ROLE:
                self.check_trust(permission.resource, service=str(permission.context[PASSED_TO_SERVICE]))

    def allows(self, caller: Caller, permissions: Iterable[Permission]) -> bool:
        """Return whether the caller has the permissions; a denial is logged. For what AWS omits silently."""
        try:
            self.authorize(caller, permissions)
        except AccessDeniedError as error:
            _log.warning("%s", error.message)
            return False
        return True

    def authorize_service(self, caller: Caller, service: str) -> None:
        """Check that the caller's role is allowed any action of the service. Raises AccessDeniedError.

        For operations whose exact permissions are unknown.
        """
        request = Request(caller, f"{service}:*", "*")
        if not any(statement.allows_in(service) for statement in self._policies(request).identity):
            raise self._denied(request, Verdict.NO_IDENTITY_POLICY)

    def check_trust(self, role_arn: str, *, service: str) -> Role:
        """Return the role, if its trust policy lets the service assume it. Raises AccessDeniedError."""
        account = role_arn.split(":")[4] if role_arn.count(":") == _ARN_COLONS else ""
        return self.check_assumption(Caller(arn=service, account_id=account, service=service), role_arn)

    def check_assumption(
        self,
        caller: Caller,
        role_arn: str,
        *,
        external_id: str = "",
        permissions: Iterable[Permission] | None = None,
    ) -> Role:
        """Return the role, if the caller may assume it. Raises AccessDeniedError.

        `permissions` are those of the request; by default, sts:AssumeRole with the external id.
        """
        role = self._role(role_arn)
        if role is None:
            raise self._denied(Request(caller, _ASSUME_ROLE, role_arn), Verdict.NO_SUCH_ROLE)
        context = {_EXTERNAL_ID: external_id} if external_id else {}
        self.authorize(caller, permissions or [Permission(_ASSUME_ROLE, role_arn, context)])
        self.record.add_assumed(role.name)
        return role

    def _decide(self, request: Request) -> Decision:
        if request.action in _TRUSTED_ACTIONS:
            return self._decide_assumption(request)
        if request.caller.service:
            return Decision(Verdict.ALLOWED)
        return decide(request, self._policies(request))

    def _decide_assumption(self, request: Request) -> Decision:
        """Decide by the role's trust policy, and by the caller's policies if it trusts the account only."""
        role = self._role(request.resource)
        if role is None:
            return Decision(Verdict.NO_SUCH_ROLE)
        trust = tuple(_on_role(parse(role.trust_policy, policy=f"trust policy of {role.name}"), role.arn))
        if request.caller.service:
            return decide(request, Policies(resource=tuple(_of_any_resource(trust))))
        policies = self._policies(request)
        return decide(
            request,
            replace(policies, resource=trust, resource_policy_required=True),
        )

    def _policies(self, request: Request) -> Policies:
        caller = request.caller
        role = self._store.role(caller.account_id, caller.role_name)
        owner = self._store.owner(request.resource)
        if role is None:
            return Policies()
        resource = self._store.resource_policy(request.resource, caller.account_id)
        return Policies(
            identity=tuple(s for name, text in role.policies.items() for s in parse(text, policy=name)),
            session=_parsed(caller.session_policies, "session policy") if caller.session_policies else None,
            boundary=None if role.boundary is None else parse(role.boundary, policy="permissions boundary"),
            resource=None if resource is None else parse(resource, policy=f"policy of {request.resource}"),
            resource_policy_required=_needs_key_policy(request),
            other_account=owner not in {"", caller.account_id},
        )

    def _role(self, arn: str) -> Role | None:
        """Return a role by its ARN, which may have a path: `…:role/path/name`."""
        account_id = arn.split(":")[4] if arn.count(":") == _ARN_COLONS else ""
        return self._store.role(account_id, arn.rpartition("/")[2])

    def _context(self, caller: Caller, permission: Permission) -> Mapping[str, ContextValue]:
        """Return the context, with the keys of every request. The loopback interface counts as TLS.

        A service works for a resource of the account whose role it assumes.
        """
        return {
            "aws:principalarn": caller.role_arn or caller.arn,
            "aws:principalaccount": caller.account_id,
            "aws:principaltype": "AssumedRole",
            "aws:requestedregion": self._store.region(),
            "aws:resourceaccount": self._store.owner(permission.resource) or caller.account_id,
            "aws:securetransport": "true",
            "aws:sourceip": "127.0.0.1",
            **({"aws:sourceaccount": caller.account_id} if caller.service else {}),
            **{f"aws:principaltag/{name.lower()}": value for name, value in caller.session_tags},
            **permission.context,
        }

    def _denied(self, request: Request, verdict: Verdict) -> AccessDeniedError:
        message = (
            f"User: {request.caller.arn} is not authorized to perform: {request.action} on resource: "
            f"{request.resource} {verdict.value.format(action=request.action)}"
        )
        self.record.add_denied(request, message)
        return AccessDeniedError(message, request.action)


def _needs_key_policy(request: Request) -> bool:
    """Return whether a key's policy must allow the request, even of the account's own roles.

    [KMS guide, "Key policies"] CreateKey, ListKeys and others use no key that exists.
    """
    return request.action.startswith(_KMS) and request.resource != _ANY_RESOURCE


def _parsed(documents: Iterable[str], policy: str) -> tuple[Statement, ...]:
    return tuple(statement for document in documents for statement in parse(document, policy=policy))


def _of_any_resource(statements: Iterable[Statement]) -> Iterator[Statement]:
    """Let conditions on aws:SourceArn allow: for which resource a service assumes a role is not known."""
    for statement in statements:
        known = tuple(item for item in statement.conditions if item.key != "aws:sourcearn")
        if known == statement.conditions or statement.effect is Effect.ALLOW:
            yield replace(statement, conditions=known)


def _on_role(statements: Iterable[Statement], role_arn: str) -> Iterable[Statement]:
    """Add the role as the resource of a trust policy, which has no Resource element."""
    return (replace(statement, resources=(role_arn,)) for statement in statements)

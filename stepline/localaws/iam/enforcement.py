"""The one place where requests to the local AWS are allowed or refused.

A request needs one or more permissions (`Need`); its caller has them or not. Who is no role's
session, such as the developer with any access key, may do everything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from stepline.localaws.iam.conditions import ContextValue
from stepline.localaws.iam.evaluation import Decision, Policies, Verdict, decide
from stepline.localaws.iam.policy import Request, Statement, parse
from stepline.localaws.iam.principals import Caller
from stepline.localaws.iam.record import Record

_log = logging.getLogger(__name__)

_ASSUME_ROLE = "sts:AssumeRole"
_PASS_ROLE = "iam:PassRole"  # noqa: S105
PASSED_TO_SERVICE = "iam:passedtoservice"
_ARN_COLONS = 5
_POLICY_DECIDES = ("kms:",)
"""A key's policy must allow even what the account's own roles do [KMS guide, "Key policies"]."""


@dataclass(frozen=True)
class Need:
    """One permission that a request needs. Context keys in lower case."""

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


class Directory(Protocol):
    """Where roles and the policies of resources are kept."""

    def role(self, name: str) -> Role | None: ...

    def resource_policy(self, arn: str) -> str | None:
        """The policy of a bucket, of an object's bucket, or of a key."""


class AccessDeniedError(Exception):
    """`message` is AWS's own; `need` is what was missing."""

    def __init__(self, message: str, need: Need) -> None:
        super().__init__(message)
        self.message = message
        self.need = need


class Enforcement:
    def __init__(self, directory: Directory, record: Record, *, region: str) -> None:
        self._directory = directory
        self._region = region
        self.record = record

    def authorize(self, caller: Caller, needs: Iterable[Need]) -> None:
        """Raises AccessDeniedError for the first permission that the caller lacks.

        A service to which a role is passed must be one that the role trusts.
        """
        for need in needs:
            request = Request(caller, need.action, need.resource, self._context(caller, need))
            decision = self._decide(request)
            if not decision.allowed:
                raise self._denied(request, need, decision.verdict)
            self.record.allowed(request, decision)
            if need.action == _PASS_ROLE:
                self.check_trust(need.resource, service=str(need.context[PASSED_TO_SERVICE]))

    def allows(self, caller: Caller, needs: Iterable[Need]) -> bool:
        """For what AWS does without a word when it may not: the denial is logged, and that is all."""
        try:
            self.authorize(caller, needs)
        except AccessDeniedError as error:
            _log.warning("%s", error.message)
            return False
        return True

    def authorize_service(self, caller: Caller, service: str) -> None:
        """For what is known no better: the caller's role must be allowed something in the service.

        Raises AccessDeniedError.
        """
        need = Need(f"{service}:*", "*")
        request = Request(caller, need.action, need.resource)
        if not any(statement.allows_in(service) for statement in self._policies(request).identity):
            raise self._denied(request, need, Verdict.NO_IDENTITY_POLICY)

    def check_trust(self, role_arn: str, *, service: str) -> Role:
        """The role, if its trust policy lets the service assume it. Raises AccessDeniedError."""
        account = role_arn.split(":")[4] if role_arn.count(":") == _ARN_COLONS else ""
        return self.check_assumption(Caller(arn=service, account_id=account, service=service), role_arn)

    def check_assumption(self, caller: Caller, role_arn: str) -> Role:
        """The role, if the caller may assume it. Raises AccessDeniedError."""
        need = Need(_ASSUME_ROLE, role_arn)
        role = self._directory.role(_name(role_arn))
        if role is None:
            raise self._denied(Request(caller, _ASSUME_ROLE, role_arn), need, Verdict.NO_SUCH_ROLE)
        self.authorize(caller, [need])
        self.record.assumed(role.name)
        return role

    def _decide(self, request: Request) -> Decision:
        if request.action == _ASSUME_ROLE:
            return self._decide_assumption(request)
        if request.caller.service:
            return Decision(Verdict.ALLOWED)
        return decide(request, self._policies(request))

    def _decide_assumption(self, request: Request) -> Decision:
        """A role's trust policy must name the caller, or its account, whose policies then must allow it."""
        role = self._directory.role(_name(request.resource))
        if role is None:
            return Decision(Verdict.NO_SUCH_ROLE)
        trust = tuple(_everywhere(parse(role.trust_policy, policy=f"trust policy of {role.name}"), role.arn))
        if request.caller.service:
            return decide(request, Policies(resource=trust))
        policies = self._policies(request)
        return decide(
            request,
            Policies(policies.identity, policies.session, policies.boundary, trust, resource_decides=True),
        )

    def _policies(self, request: Request) -> Policies:
        caller = request.caller
        role = self._directory.role(caller.role_name)
        if role is None:
            return Policies()
        resource = self._directory.resource_policy(request.resource)
        return Policies(
            identity=tuple(s for name, text in role.policies.items() for s in parse(text, policy=name)),
            session=_parsed(caller.session_policies, "session policy") if caller.session_policies else None,
            boundary=None if role.boundary is None else parse(role.boundary, policy="permissions boundary"),
            resource=None if resource is None else parse(resource, policy=f"policy of {request.resource}"),
            resource_decides=request.action.startswith(_POLICY_DECIDES),
        )

    def _context(self, caller: Caller, need: Need) -> Mapping[str, ContextValue]:
        """The keys that every request has. The loopback interface counts as TLS: nobody can listen to it."""
        account = need.resource.split(":", 5)[4:5]
        return {
            "aws:principalarn": caller.role_arn or caller.arn,
            "aws:principalaccount": caller.account_id,
            "aws:principaltype": "AssumedRole",
            "aws:requestedregion": self._region,
            "aws:resourceaccount": (account and account[0]) or caller.account_id,
            "aws:securetransport": "true",
            "aws:sourceip": "127.0.0.1",
            **need.context,
        }

    def _denied(self, request: Request, need: Need, verdict: Verdict) -> AccessDeniedError:
        reason = verdict.value.format(action=need.action)
        who = request.caller.arn
        message = (
            f"User: {who} is not authorized to perform: {need.action} on resource: {need.resource} {reason}"
        )
        self.record.denied(request, message)
        return AccessDeniedError(message, need)


def _parsed(documents: Iterable[str], policy: str) -> tuple[Statement, ...]:
    return tuple(statement for document in documents for statement in parse(document, policy=policy))


def _everywhere(statements: Iterable[Statement], role_arn: str) -> Iterable[Statement]:
    """A trust policy has no Resource: it is about its role."""
    return (replace(statement, resources=(role_arn,)) for statement in statements)


def _name(role_arn: str) -> str:
    """A role's ARN may have a path: `…:role/path/name`."""
    return role_arn.rpartition("/")[2]

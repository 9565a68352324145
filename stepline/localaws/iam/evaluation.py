"""Decides whether a caller may perform an action, by AWS's rules within one account and across accounts.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from stepline.localaws.iam.policy import Effect, Request, Statement


class Verdict(StrEnum):
    """The end of a denial's message, after the resource, in AWS's wording."""

    ALLOWED = "allowed"
    NO_IDENTITY_POLICY = "because no identity-based policy allows the {action} action"
    NO_SESSION_POLICY = "because no session policy allows the {action} action"
    NO_BOUNDARY = "because no permissions boundary allows the {action} action"
    NO_SUCH_ROLE = "because there is no such role"
    NO_RESOURCE_POLICY = "because no resource-based policy allows the {action} action"
    DENIED_BY_IDENTITY = "with an explicit deny in an identity-based policy"
    DENIED_BY_SESSION = "with an explicit deny in a session policy"
    DENIED_BY_BOUNDARY = "with an explicit deny in a permissions boundary"
    DENIED_BY_RESOURCE = "with an explicit deny in a resource-based policy"


@dataclass(frozen=True)
class Policies:
    """The policies that apply. None: there is no such policy, unlike an empty one, which allows nothing.

    `resource_policy_required`: the resource's own policy must allow the request, as that of a KMS key must.
    `other_account`: the resource is in another account than the caller, and both accounts must allow it.
    """

    identity: tuple[Statement, ...] = ()
    session: tuple[Statement, ...] | None = None
    boundary: tuple[Statement, ...] | None = None
    resource: tuple[Statement, ...] | None = None
    resource_policy_required: bool = False
    other_account: bool = False


@dataclass(frozen=True)
class Grant:
    """One action of one statement that allows a request."""

    policy: str
    statement: int
    action: str
    resource: str


@dataclass(frozen=True)
class Decision:
    """`grants` are those of the identity policies: without a sole one, the request would be denied.

    `granted_by_resource`: the resource's policy alone allows the request, too.
    """

    verdict: Verdict
    grants: tuple[Grant, ...] = ()
    granted_by_resource: bool = False

    @property
    def allowed(self) -> bool:
        return self.verdict is Verdict.ALLOWED

    @property
    def sole_grant(self) -> Grant | None:
        return self.grants[0] if len(self.grants) == 1 and not self.granted_by_resource else None


def decide(request: Request, policies: Policies) -> Decision:
    """Deny on an explicit deny; else some policy must allow, and so must session policy and boundary."""
    if verdict := _denied(request, policies):
        return Decision(verdict)
    resource = _for_caller(policies.resource or (), request)
    named = [s for s in _allowing(request, resource) if s.principal and s.principal.names(request.caller)]
    delegated = [
        s for s in _allowing(request, resource) if s.principal and s.principal.names_account(request.caller)
    ]
    required = policies.resource_policy_required or policies.other_account
    if required and not named and not delegated:
        return Decision(Verdict.NO_RESOURCE_POLICY)
    grants = tuple(_grants(request, policies.identity))
    suffices = bool(named) and (not policies.other_account or request.caller.is_account)
    if not grants and not suffices:
        return Decision(Verdict.NO_IDENTITY_POLICY)
    # A resource policy that names the session itself is not limited by its session policy.
    unlimited = any(s.principal and s.principal.names_session(request.caller) for s in named)
    if not unlimited and (verdict := _limited(request, policies)):
        return Decision(verdict)
    return Decision(Verdict.ALLOWED, grants, granted_by_resource=suffices)


def _denied(request: Request, policies: Policies) -> Verdict | None:
    verdicts = (
        (policies.identity, Verdict.DENIED_BY_IDENTITY),
        (policies.session, Verdict.DENIED_BY_SESSION),
        (policies.boundary, Verdict.DENIED_BY_BOUNDARY),
        (_for_caller(policies.resource or (), request), Verdict.DENIED_BY_RESOURCE),
    )
    for statements, verdict in verdicts:
        if any(s.effect is Effect.DENY and s.covers(request) for s in statements or ()):
            return verdict
    return None


def _limited(request: Request, policies: Policies) -> Verdict | None:
    limits = (
        (policies.session, Verdict.NO_SESSION_POLICY),
        (policies.boundary, Verdict.NO_BOUNDARY),
    )
    for statements, verdict in limits:
        if statements is not None and not _allowing(request, statements):
            return verdict
    return None


def _for_caller(statements: Iterable[Statement], request: Request) -> tuple[Statement, ...]:
    """Return the statements of a resource's policy that apply to this caller."""
    caller = request.caller
    return tuple(
        s
        for s in statements
        if s.principal is not None and (s.principal.names(caller) or s.principal.names_account(caller))
    )


def _allowing(request: Request, statements: Iterable[Statement]) -> list[Statement]:
    return [s for s in statements if s.effect is Effect.ALLOW and s.covers(request)]


def _grants(request: Request, statements: Iterable[Statement]) -> Iterable[Grant]:
    for statement in _allowing(request, statements):
        resource = (
            *statement.matching_resources(request.resource),
            "not " + " ".join(statement.not_resources),
        )
        for action in statement.matching_actions(request.action) or (
            "not " + " ".join(statement.not_actions),
        ):
            yield Grant(statement.policy, statement.index, action, resource[0])

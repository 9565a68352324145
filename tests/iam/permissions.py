"""What the roles of the templates may do: one `Permission` for each action of each statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.iam.stacks import Stack, stacks

TRUST_POLICY = "trust policy"


@dataclass(frozen=True, order=True)
class Permission:
    """`role` is its logical id; `resources` is how many the statement lists, 1 for a parameter's list."""

    stack: str
    role: str
    policy: str
    statement: int
    action: str
    resources: int = 1

    def __str__(self) -> str:
        return f"{self.stack} {self.role} {self.policy}[{self.statement}] {self.action}"


def permissions(proof: str = "") -> list[Permission]:
    """Of all stacks, or of those that the ways of the stack `proof` go through."""
    return [
        permission
        for stack in stacks().values()
        if proof in {"", stack.proof}
        for permission in permissions_of(stack)
    ]


def permissions_of(stack: Stack) -> list[Permission]:
    """Raises AssertionError for a role that cannot be proved statement by statement."""
    return [
        Permission(stack.name, role, policy["PolicyName"], index, action, _count(statement["Resource"]))
        for role, policy in _policies(stack.resources)
        for index, statement in enumerate(_statements(role, policy))
        for action in _listed(statement["Action"])
    ]


def _statements(role: str, policy: Mapping[str, Any]) -> list[Any]:
    statements: list[Any] = policy["PolicyDocument"]["Statement"]
    assert not any("Fn::If" in statement for statement in statements), (
        f"{role}: put a statement that is not always there into an AWS::IAM::Policy with a Condition"
    )
    return statements


def _policies(resources: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each policy with the logical id of its role, the trust policy first."""
    for logical_id, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            yield logical_id, {"PolicyName": TRUST_POLICY, "PolicyDocument": _trust(properties)}
            yield from ((logical_id, policy) for policy in properties.get("Policies", []))
        elif resource["Type"] == "AWS::IAM::Policy":
            yield from ((role["Ref"], properties) for role in properties["Roles"])


def _trust(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The trust policy as a policy on the role itself."""
    statements = properties["AssumeRolePolicyDocument"]["Statement"]
    return {"Statement": [statement | {"Resource": ""} for statement in statements]}


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _count(resource: Any) -> int:
    return len(resource) if isinstance(resource, list) else 1

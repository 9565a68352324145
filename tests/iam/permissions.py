"""The permissions of the templates' roles: one `Permission` for each action of each statement."""

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


def permissions(suite: str = "") -> list[Permission]:
    """Return the permissions of all stacks, or of those that the suite of the stack `suite` tests."""
    return [
        permission
        for stack in stacks().values()
        if suite in {"", stack.suite}
        for permission in permissions_of(stack)
    ]


def permissions_of(stack: Stack) -> list[Permission]:
    """Raises AssertionError for a role that cannot be tested statement by statement."""
    return [
        Permission(stack.name, role, policy["PolicyName"], index, action, _count(statement["Resource"]))
        for role, policy in _policies(stack.resources)
        for index, statement in enumerate(_statements(role, policy))
        for action in _as_list(statement["Action"])
    ]


def _statements(role: str, policy: Mapping[str, Any]) -> list[Any]:
    statements: list[Any] = policy["PolicyDocument"]["Statement"]
    assert not any("Fn::If" in statement for statement in statements), (
        f"{role}: a conditional statement belongs in an AWS::IAM::Policy with a Condition"
    )
    return statements


def _policies(resources: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each policy with the logical id of its role, the trust policy first."""
    for logical_id, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            yield logical_id, {"PolicyName": TRUST_POLICY, "PolicyDocument": _trust(properties)}
            yield from ((logical_id, policy) for policy in properties.get("Policies", []))
        elif resource["Type"] == "AWS::IAM::Policy":
            yield from ((role["Ref"], properties) for role in properties["Roles"])


def _trust(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trust policy as a policy on the role itself."""
    statements = properties["AssumeRolePolicyDocument"]["Statement"]
    return {"Statement": [statement | {"Resource": ""} for statement in statements]}


def _as_list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _count(resource: Any) -> int:
    return len(resource) if isinstance(resource, list) else 1

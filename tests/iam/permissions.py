"""What the roles of template.yaml may do: one `Permission` for each action of each statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepline.deployment.template import read

PROJECT = Path(__file__).parents[2]
TRUST_POLICY = "trust policy"
TEMPLATE = PROJECT / "template.yaml"


@dataclass(frozen=True, order=True)
class Permission:
    """`role` is the logical id; `resources` is how many the statement lists, 1 for a parameter's list."""

    role: str
    policy: str
    statement: int
    action: str
    resources: int = 1

    def __str__(self) -> str:
        return f"{self.role} {self.policy}[{self.statement}] {self.action}"


def permissions(template: Path = TEMPLATE) -> list[Permission]:
    return [
        Permission(role, policy["PolicyName"], index, action, _count(statement["Resource"]))
        for role, policy in _policies(read(template)["Resources"])
        for index, statement in enumerate(policy["PolicyDocument"]["Statement"])
        for action in _listed(statement["Action"])
    ]


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

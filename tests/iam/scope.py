"""Calls that must be denied to roles: `out_of_scope.json`, `out_of_scope_<system>.json`.

In a parameter `${LogicalId}` stands for the physical id of a resource of the stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.iam.stacks import APPLICATION
from tests.iam.system import ACCOUNT, System

_LOGICAL_ID = re.compile(r"\$\{(\w+)\}")
_CODES = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}


@dataclass(frozen=True)
class Case:
    """`operation` of boto3's client for `service`, as `role`; `denied` is the IAM action that it lacks."""

    stack: str
    role: str
    service: str
    operation: str
    parameters: dict[str, Any]
    denied: str

    def __str__(self) -> str:
        return f"{self.role} {self.denied}"


def cases(stack: str) -> list[Case]:
    name = stack.removeprefix(APPLICATION).replace("-", "_")
    file = Path(__file__).with_name(f"out_of_scope{name}.json")
    assert file.exists(), (
        f"{file.name} is missing: it lists calls that must be denied to the roles of {stack}"
    )
    return [Case(stack=stack, **case) for case in json.loads(file.read_text())]


def check_denied(system: System, case: Case) -> None:
    """Make the call with the role's credentials, and check that it is denied with AWS's message."""
    with pytest.raises(ClientError) as caught:
        getattr(clients_of(system, case.role)(case.service), case.operation)(
            **_filled(system, case.parameters)
        )
    error = caught.value.response["Error"]
    assert error["Code"] in _CODES, error
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{system.resources[case.role]}/test"
    assert error["Message"].startswith(
        f"User: {arn} is not authorized to perform: {case.denied} on resource: "
    )
    if case.denied != "sts:AssumeRole":  # which does not say why
        assert "because no " in error["Message"] or "with an explicit deny" in error["Message"]


def _filled(system: System, value: Any) -> Any:
    match value:
        case str():
            return _LOGICAL_ID.sub(lambda match: system.resources[match[1]], value)
        case dict():
            return {name: _filled(system, member) for name, member in value.items()}
        case list():
            return [_filled(system, member) for member in value]
    return value


def clients_of(system: System, role: str, policy: str = "", *, seconds: int = 900) -> Callable[[str], Any]:
    """Return clients with a session of the role, after letting the account assume it."""
    name = system.resources[role]
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    iam = system.client("iam")
    document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    if trust not in document["Statement"]:
        document["Statement"].append(trust)
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))
    sts: Any = system.session.client(
        "sts", endpoint_url=system.endpoint_url, config=Config(parameter_validation=False)
    )
    keys = sts.assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
        RoleSessionName="test",
        DurationSeconds=seconds,
        Policy=policy,
    )["Credentials"]
    session: Any = system.session
    return lambda service: session.client(
        service,
        endpoint_url=system.endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )

"""The policy evaluation against examples of AWS's documentation. A file in `policies/` is a case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepline.localaws.iam.conditions import ContextValue
from stepline.localaws.iam.evaluation import Policies, Verdict, decide
from stepline.localaws.iam.policy import Request, Statement, parse
from stepline.localaws.iam.principals import Caller

ACCOUNT = "111122223333"
CASES = sorted(Path(__file__).with_name("policies").glob("*.json"))


def caller(case: dict[str, str]) -> Caller:
    if service := case.get("service"):
        return Caller(arn=service, account_id=ACCOUNT, service=service)
    name = case["role"]
    return Caller(
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{case['session']}",
        account_id=ACCOUNT,
        role_name=name,
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
    )


def request_of(case: dict[str, Any]) -> Request:
    context: dict[str, ContextValue] = {
        key.lower(): tuple(value) if isinstance(value, list) else value
        for key, value in case.get("context", {}).items()
    }
    return Request(caller(case["caller"]), case["action"], case["resource"], context)


def statements(case: dict[str, Any], name: str) -> tuple[Statement, ...] | None:
    return parse({"Statement": case[name]}, policy=name) if name in case else None


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_verdict_is_the_documented_one(path: Path) -> None:
    case = json.loads(path.read_text())
    policies = Policies(
        identity=statements(case, "identity") or (),
        session=statements(case, "session"),
        boundary=statements(case, "boundary"),
        resource=statements(case, "resource_policy"),
        resource_policy_required=case.get("resource_policy_required", False),
        other_account=case.get("other_account", False),
    )
    assert decide(request_of(case), policies).verdict is Verdict[case["expected"]]


def test_sole_grant_is_the_only_statement_that_allows() -> None:
    one = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:Put*"], "Resource": ["arn:aws:s3:::a/*", "*"]}
    request = Request(caller({"role": "r", "session": "s"}), "s3:PutObject", "arn:aws:s3:::a/b")
    alone = decide(request, Policies(identity=parse({"Statement": one}, policy="p")))
    assert alone.sole_grant is not None
    assert (alone.sole_grant.policy, alone.sole_grant.statement, alone.sole_grant.action) == (
        "p",
        0,
        "s3:Put*",
    )
    twice = decide(request, Policies(identity=parse({"Statement": [one, one]}, policy="p")))
    assert twice.allowed
    assert twice.sole_grant is None


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "NotPrincipal": "*", "Action": "*", "Resource": "*"},
        {"Effect": "Perhaps", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringResembles": {"a": "b"}}},
    ],
)
def test_unsupported_element_is_refused(statement: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse({"Statement": statement})

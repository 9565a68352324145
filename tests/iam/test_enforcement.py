"""Enforcement: permissions of role sessions, trust policies, and the record of what was allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from stepline.localaws.iam import (
    AccessDeniedError,
    Caller,
    Enforcement,
    Permission,
    PermissionRecord,
    Role,
)

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/r"
GUARDED = f"arn:aws:iam::{ACCOUNT}:role/guarded"
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
SESSION = Caller(
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s", account_id=ACCOUNT, role_name="r", role_arn=ROLE
)
BUCKET = "arn:aws:s3:::bucket"


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal: Mapping[str, str], **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Statement": statement})


class FakePolicyStore:
    """Role `r` with one policy, role `other` that trusts r, role `account`, and one bucket policy.

    `guard`: condition of the trust policy of the role `guarded`.
    """

    def __init__(
        self,
        *statements: dict[str, Any],
        bucket: str | None = None,
        guard: Mapping[str, Any] | None = None,
    ) -> None:
        policies = {"p": {"Statement": list(statements)}}
        service = trust({"Service": "lambda.amazonaws.com"})
        self._roles = {
            "r": Role("r", ROLE, service, policies),
            "guarded": Role(
                "guarded", GUARDED, trust({"Service": "scheduler.amazonaws.com"}, Condition=guard or {}), {}
            ),
            "other": Role("other", OTHER, trust({"AWS": ROLE}), {}),
            "account": Role("account", "arn:aws:iam::000000000000:role/account", trust({"AWS": ACCOUNT}), {}),
        }
        self._bucket = bucket

    def role(self, account_id: str, name: str) -> Role | None:
        role = self._roles.get(name)
        return role if role and role.arn.split(":")[4] == account_id else None

    def region(self) -> str:
        return "us-east-1"

    def owner(self, arn: str) -> str:
        account_id = [*arn.split(":"), "", "", "", ""][4]
        return account_id if account_id.isdigit() else ""

    def resource_policy(self, arn: str, _caller_account_id: str) -> str | None:
        return self._bucket if arn.startswith(BUCKET) else None


def enforcement(*statements: dict[str, Any], bucket: str | None = None) -> Enforcement:
    return Enforcement(FakePolicyStore(*statements, bucket=bucket), PermissionRecord())


def test_denial_has_the_message_of_aws() -> None:
    iam = enforcement()
    with pytest.raises(AccessDeniedError) as caught:
        iam.authorize(SESSION, [Permission("s3:GetObject", f"{BUCKET}/a")])
    assert caught.value.message == (
        "User: arn:aws:sts::000000000000:assumed-role/r/s is not authorized to perform: s3:GetObject on "
        "resource: arn:aws:s3:::bucket/a because no identity-based policy allows the s3:GetObject action"
    )
    (denial,) = iam.record.to_json()["denials"]
    assert (denial["role"], denial["action"]) == ("r", "s3:GetObject")


def test_all_permissions_are_required() -> None:
    with pytest.raises(AccessDeniedError) as caught:
        enforcement(allow("s3:GetObject")).authorize(
            SESSION,
            [Permission("s3:GetObject", f"{BUCKET}/a"), Permission("s3:ListBucket", BUCKET)],
        )
    assert caught.value.action == "s3:ListBucket"


@pytest.mark.parametrize("action", ["kms:ListKeys", "kms:CreateKey", "kms:ListAliases"])
def test_operation_of_kms_without_a_key_needs_no_key_policy(action: str) -> None:
    enforcement(allow("*")).authorize(SESSION, [Permission(action, "*")])


def test_key_must_allow_the_role_by_its_policy() -> None:
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"
    with pytest.raises(AccessDeniedError):
        enforcement(allow("*")).authorize(SESSION, [Permission("kms:Decrypt", key)])


def test_loopback_interface_counts_as_tls() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    tls = deny | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    iam = enforcement(allow("s3:*"), bucket=json.dumps({"Statement": tls}))
    iam.authorize(SESSION, [Permission("s3:GetObject", f"{BUCKET}/a")])


def test_service_may_assume_only_a_role_that_trusts_it() -> None:
    iam = enforcement()
    assert iam.check_trust(ROLE, service="lambda.amazonaws.com").name == "r"
    with pytest.raises(AccessDeniedError, match=r"User: states\.amazonaws\.com .* sts:AssumeRole"):
        iam.check_trust(ROLE, service="states.amazonaws.com")


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:role/none", "no arn", ""])
def test_unknown_role_is_denied(arn: str) -> None:
    with pytest.raises(AccessDeniedError, match="because there is no such role"):
        enforcement().check_trust(arn, service="lambda.amazonaws.com")


@pytest.mark.parametrize(
    ("guard", "allowed"),
    [
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:SourceAccount": "111111111111"}}, False),
        # For which resource a service assumes a role is not known here.
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:scheduler:*:{ACCOUNT}:*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:*"}, "StringEquals": {"aws:SourceAccount": "1"}}, False),
    ],
)
def test_trust_policy_may_name_the_source_of_the_services_request(
    guard: Mapping[str, Any], allowed: bool
) -> None:
    iam = Enforcement(FakePolicyStore(guard=guard), PermissionRecord())
    if allowed:
        assert iam.check_trust(GUARDED, service="scheduler.amazonaws.com").name == "guarded"
    else:
        with pytest.raises(AccessDeniedError, match="sts:AssumeRole"):
            iam.check_trust(GUARDED, service="scheduler.amazonaws.com")


def test_role_may_assume_another_that_names_it() -> None:
    assert enforcement().check_assumption(SESSION, OTHER).name == "other"


def test_account_as_principal_delegates_to_the_policies_of_the_caller() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/account"
    with pytest.raises(AccessDeniedError, match="no identity-based policy"):
        enforcement().check_assumption(SESSION, arn)
    assert enforcement(allow("sts:AssumeRole", arn)).check_assumption(SESSION, arn).name == "account"


@pytest.mark.parametrize(("arn", "trusts"), [(f"arn:aws:iam::{ACCOUNT}:role/account", True), (OTHER, False)])
def test_account_may_assume_only_roles_that_trust_it(arn: str, trusts: bool) -> None:
    iam, account = enforcement(), Caller(arn=f"arn:aws:iam::{ACCOUNT}:root", account_id=ACCOUNT)
    if trusts:
        iam.check_assumption(account, arn)
        return
    with pytest.raises(AccessDeniedError, match="no resource-based policy"):
        iam.check_assumption(account, arn)


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        (allow("ec2:Describe*", "arn:aws:ec2:::x"), True),
        (allow("EC2:RunInstances"), True),
        (allow("*"), True),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, True),
        (allow("ec2messages:*"), False),
        ({"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}, False),
    ],
)
def test_authorize_service_requires_any_action_of_the_service(
    statement: dict[str, Any], allowed: bool
) -> None:
    iam = enforcement(statement)
    if allowed:
        iam.authorize_service(SESSION, "ec2")
        return
    with pytest.raises(AccessDeniedError, match=r"not authorized to perform: ec2:\* on resource: \*"):
        iam.authorize_service(SESSION, "ec2")


def test_role_can_be_passed_only_to_a_service_that_it_trusts() -> None:
    iam = enforcement(allow("iam:PassRole"))
    iam.authorize(
        SESSION, [Permission("iam:PassRole", ROLE, {"iam:passedtoservice": "lambda.amazonaws.com"})]
    )
    with pytest.raises(AccessDeniedError, match="cloudformation"):
        iam.authorize(
            SESSION,
            [Permission("iam:PassRole", ROLE, {"iam:passedtoservice": "cloudformation.amazonaws.com"})],
        )


def test_session_of_a_deleted_role_is_denied() -> None:
    deleted = Caller(arn="arn:aws:sts::0:assumed-role/deleted/s", account_id=ACCOUNT, role_name="deleted")
    with pytest.raises(AccessDeniedError):
        enforcement(allow("*")).authorize(deleted, [Permission("s3:GetObject", f"{BUCKET}/a")])


def test_record_counts_what_a_statement_alone_allowed() -> None:
    iam = enforcement(allow("s3:Get*"), allow("s3:GetObject"), allow("s3:ListBucket"))
    iam.authorize(
        SESSION,
        [Permission("s3:GetObject", f"{BUCKET}/a"), Permission("s3:ListBucket", BUCKET)],
    )
    used = {(g["statement"], g["action"]): g["alone"] for g in iam.record.to_json()["grants"]}
    assert used == {(0, "s3:Get*"): 0, (1, "s3:GetObject"): 0, (2, "s3:ListBucket"): 1}
    iam.record.clear()
    assert iam.record.to_json() == {"grants": [], "denials": []}

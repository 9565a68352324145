"""Two independent evaluators of IAM policies, ministack's and that of the local AWS, decide the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.core import iam_evaluator

from stepline.localaws.iam.evaluation import Policies, decide
from stepline.localaws.iam.policy import Request, parse
from stepline.localaws.iam.principals import Caller

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
CALLER = Caller(arn=SESSION, account_id=ACCOUNT, role_name="r", role_arn=ROLE)

ACTIONS = ("s3:GetObject", "s3:PutObject", "kms:Decrypt")
RESOURCES = ("arn:aws:s3:::a/b", "arn:aws:s3:::a/c", "arn:aws:kms:us-east-1:111122223333:key/k")
KEYS = ("aws:SecureTransport", "s3:prefix", "kms:ViaService")
TAG_KEYS = "aws:TagKeys"
VALUES = ("true", "false", "a", "ab", "10", "9")
# Without the operators on ARNs: a `*` in them matches colons in ministack.
OPERATORS = (
    "StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "Bool",
    "StringEqualsIfExists", "StringNotLikeIfExists",
)  # fmt: skip
# AWS accepts only these for a key with several values.
SET_OPERATORS = ("ForAllValues:StringEquals", "ForAnyValue:StringLike", "ForAllValues:StringNotEquals")


def listed(elements: Any) -> Any:
    return st.one_of(elements, st.lists(elements, min_size=1, max_size=3))


condition_values = listed(st.sampled_from([*VALUES, "a*", "?"]))
conditions = st.builds(
    lambda single, multi: single | multi,
    st.dictionaries(
        st.sampled_from(OPERATORS),
        st.dictionaries(st.sampled_from(KEYS), condition_values, min_size=1, max_size=2),
        max_size=2,
    ),
    st.dictionaries(
        st.sampled_from(SET_OPERATORS), st.fixed_dictionaries({TAG_KEYS: condition_values}), max_size=1
    ),
)
principals = st.sampled_from(
    ["*", {"AWS": ROLE}, {"AWS": SESSION}, {"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}]
)


@st.composite
def statements(draw: st.DrawFn, *, principal: bool = False) -> dict[str, Any]:
    action = listed(st.sampled_from([*ACTIONS, "s3:*", "*", "S3:get?bject", "kms:*"]))
    resource = listed(st.sampled_from([*RESOURCES, "arn:aws:s3:::a/*", "*", "arn:aws:s3:::A/?"]))
    statement = {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(action),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(resource),
        "Condition": draw(conditions),
    }
    return statement | ({"Principal": draw(principals)} if principal else {})


documents = st.lists(statements(), max_size=3)
contexts = st.dictionaries(st.sampled_from(KEYS[1:]), st.sampled_from(VALUES), max_size=2)


cases = st.fixed_dictionaries(
    {
        "action": st.sampled_from(ACTIONS),
        "resource": st.sampled_from(RESOURCES),
        "identity": documents,
        "session": st.none() | documents,
        "of_resource": st.none() | st.lists(statements(principal=True), max_size=3),
        "context": contexts,
        "tag_keys": st.none() | st.lists(st.sampled_from(VALUES), min_size=1, max_size=2),
    }
)


@settings(max_examples=200, deadline=None)
@given(case=cases)
def test_both_evaluators_decide_the_same(case: dict[str, Any]) -> None:
    session, of_resource = case["session"], case["of_resource"]
    keys: dict[str, Any] = {key.lower(): value for key, value in case["context"].items()}
    if case["tag_keys"]:
        keys["aws:tagkeys"] = tuple(case["tag_keys"])
    decision = decide(
        Request(CALLER, case["action"], case["resource"], keys | {"aws:securetransport": "true"}),
        Policies(
            identity=parse({"Statement": case["identity"]}),
            session=None if session is None else parse({"Statement": session}),
            resource=None if of_resource is None else parse({"Statement": of_resource}),
            resource_policy_required=case["action"].startswith("kms:") and of_resource is not None,
        ),
    )
    assert decision.allowed == _allowed_by_ministack(case, keys)


def _allowed_by_ministack(case: dict[str, Any], keys: dict[str, Any]) -> bool:
    session = case["session"]
    context = iam_evaluator.EvalContext(
        principal_arn=SESSION,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=case["action"],
        resource_arn=case["resource"],
        region="us-east-1",
        secure_transport=True,
        service_context={"aws:tagkeys": None}
        | {key: list(value) if isinstance(value, tuple) else value for key, value in keys.items()},
    )
    limits = () if session is None else ([iam_evaluator.parse_policy_document({"Statement": session})],)
    document = iam_evaluator.parse_policy_document({"Statement": case["identity"]})
    result = iam_evaluator.evaluate(context, [document], *limits)
    if case["of_resource"] is not None:
        result = iam_evaluator.combine_resource_policy(
            result,
            context,
            json.dumps({"Statement": case["of_resource"]}),
            ACCOUNT,
            required=case["action"].startswith("kms:"),
            limits=limits,
        )
    return bool(result.decision == "Allow")

"""The policies of examples/cross-account/, for principals of two accounts and of a third one.

The local AWS has state machines in one account only, so they are evaluated as data. Across accounts, a policy
of the caller and one of the resource must allow a request
[https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html].
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepline.localaws.iam.evaluation import Policies, decide
from stepline.localaws.iam.policy import Request, Statement, parse
from stepline.localaws.iam.principals import Caller
from tests.iam.stacks import PROJECT
from tests.resolved_template import ResolvedTemplate

PIPELINE, PROD, OTHER = "111111111111", "222222222222", "333333333333"
REGION = "eu-west-1"
BUCKET = "arn:aws:s3:::artifactbucket"
KEY = f"arn:aws:kms:{REGION}:{PIPELINE}:key/Key"
MACHINE = f"arn:aws:states:{REGION}:{PIPELINE}:stateMachine:release-prod"
STARTING_ROLE = f"arn:aws:iam::{PIPELINE}:role/DeployToProdRole"
PROD_ROLE = f"arn:aws:iam::{PROD}:role/release-prod-started-by-pipeline"


def template(name: str, account: str, stack: str, **parameters: str) -> ResolvedTemplate:
    def reference(logical_id: str, attribute: str) -> str:
        if logical_id.endswith("Bucket"):
            return f"arn:aws:s3:::{logical_id.lower()}" if attribute else logical_id.lower()
        if logical_id.endswith("Role"):
            return f"arn:aws:iam::{account}:role/{logical_id}" if attribute else logical_id
        if logical_id.endswith("Key"):
            return f"arn:aws:kms:{REGION}:{account}:key/{logical_id}"
        names = {"DeployToProd": "release-prod", "DeployStateMachine": "release-prod-deploy"}
        return f"arn:aws:states:{REGION}:{account}:stateMachine:{names.get(logical_id, logical_id)}"

    return ResolvedTemplate(
        PROJECT / f"examples/cross-account/{name}.yaml",
        parameters,
        region=REGION,
        account=account,
        stack_name=stack,
        reference=reference,
    )


IN_PIPELINE = template("pipeline", PIPELINE, "release", ProdAccountId=PROD)
IN_PROD = template(
    "prod",
    PROD,
    "release-prod",
    PipelineStateMachineArn=MACHINE,
    PipelineRoleArn=STARTING_ROLE,
    ArtifactBucketName="artifactbucket",
    ArtifactKeyArn=KEY,
)


def role(account: str, name: str) -> Caller:
    arn = f"arn:aws:iam::{account}:role/{name}"
    return Caller(
        arn=f"arn:aws:sts::{account}:assumed-role/{name}/session",
        account_id=account,
        role_name=name,
        role_arn=arn,
    )


def identity_statements(resources: Any, name: str) -> tuple[Statement, ...]:
    """Return the policies of a role."""
    documents = [item["PolicyDocument"] for item in resources[name]["Properties"]["Policies"]]
    documents += [
        item["Properties"]["PolicyDocument"]
        for item in resources.values()
        if item["Type"] == "AWS::IAM::Policy" and name in item["Properties"]["Roles"]
    ]
    return tuple(statement for document in documents for statement in parse(document))


def identity_allows(resources: Any, request: Request) -> bool:
    """Whether the policies of the caller's role allow the request."""
    statements = identity_statements(resources, request.caller.role_name)
    return decide(request, Policies(identity=statements)).allowed


def resource_allows(document: Any, request: Request, identity: tuple[Statement, ...] = ()) -> bool:
    """Whether the policy of the resource allows the request. If its principal is an account, it delegates to
    the policies of the caller, `identity`.
    """
    policies = Policies(identity=identity, resource=parse(document), resource_policy_required=True)
    return decide(request, policies).allowed


def in_prod_allowed(document: Any, request: Request) -> bool:
    """Whether both sides allow the request of a function of prod, or of a role with the same policies."""
    identity = identity_statements(IN_PROD.all_resources, request.caller.role_name)
    return identity_allows(IN_PROD.all_resources, request) and resource_allows(document, request, identity)


def test_outputs_of_the_pipeline_account_are_what_prod_trusts() -> None:
    assert IN_PIPELINE.outputs == {
        "ArtifactBucketName": "artifactbucket",
        "ArtifactKeyArn": KEY,
        "PipelineStateMachineArn": MACHINE,
        "PipelineRoleArn": STARTING_ROLE,
    }


@pytest.mark.parametrize(
    ("caller", "external_id", "allowed"),
    [
        (role(PIPELINE, "DeployToProdRole"), MACHINE, True),
        (role(PIPELINE, "DeployToProdRole"), f"{MACHINE}-other", False),
        (role(PIPELINE, "DeployToProdRole"), "", False),
        (role(PIPELINE, "PipelineRole"), MACHINE, False),
        (role(OTHER, "DeployToProdRole"), MACHINE, False),
    ],
)
def test_only_the_state_machine_of_the_pipeline_can_assume_the_role_of_prod(
    caller: Caller, external_id: str, *, allowed: bool
) -> None:
    properties = IN_PROD.resources["StartedByPipelineRole"]["Properties"]
    assert f"arn:aws:iam::{PROD}:role/{properties['RoleName']}" == PROD_ROLE
    trust = json.loads(json.dumps(properties["AssumeRolePolicyDocument"]))
    for statement in trust["Statement"]:
        statement["Resource"] = PROD_ROLE
    context: Any = {"sts:externalid": external_id} if external_id else {}
    assert resource_allows(trust, Request(caller, "sts:AssumeRole", PROD_ROLE, context)) is allowed


@pytest.mark.parametrize(
    ("target", "allowed"),
    [(PROD_ROLE, True), (f"arn:aws:iam::{PROD}:role/admin", False), (PROD_ROLE.replace(PROD, OTHER), False)],
)
def test_state_machine_of_the_pipeline_assumes_no_other_role(target: str, *, allowed: bool) -> None:
    request = Request(role(PIPELINE, "DeployToProdRole"), "sts:AssumeRole", target)
    assert identity_allows(IN_PIPELINE.resources, request) is allowed


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("states:StartExecution", f"arn:aws:states:{REGION}:{PROD}:stateMachine:release-prod-deploy", True),
        ("states:StartExecution", f"arn:aws:states:{REGION}:{PROD}:stateMachine:other", False),
        (
            "states:DescribeExecution",
            f"arn:aws:states:{REGION}:{PROD}:execution:release-prod-deploy:a",
            True,
        ),
        ("states:StopExecution", f"arn:aws:states:{REGION}:{PROD}:execution:release-prod-deploy:a", True),
        ("states:StopExecution", f"arn:aws:states:{REGION}:{PROD}:execution:other:a", False),
        ("cloudformation:CreateStack", "*", False),
    ],
)
def test_role_of_prod_only_runs_deployments(action: str, resource: str, *, allowed: bool) -> None:
    request = Request(role(PROD, "StartedByPipelineRole"), action, resource)
    assert identity_allows(IN_PROD.resources, request) is allowed


@pytest.mark.parametrize(
    ("action", "key", "allowed"),
    [
        ("s3:GetObject", "release/SourceOutp/a.zip", True),
        ("s3:PutObject", "templates/a", True),
        ("s3:DeleteObject", "templates/a", True),
        ("s3:PutObject", "release/SourceOutp/a.zip", False),
        ("s3:DeleteObject", "release/SourceOutp/a.zip", False),
    ],
)
def test_functions_of_prod_read_artifacts_and_store_large_templates(
    action: str, key: str, *, allowed: bool
) -> None:
    document = IN_PIPELINE.resources["ArtifactBucketPolicy"]["Properties"]["PolicyDocument"]
    for name in ("CreateStackRole", "CreateChangeSetRole"):
        context: Any = {"aws:securetransport": "true"}
        resource = f"{BUCKET}/{key}"
        assert in_prod_allowed(document, Request(role(PROD, name), action, resource, context)) is allowed
        assert not in_prod_allowed(document, Request(role(OTHER, name), action, resource, context))
        context = {"aws:securetransport": "false"}
        assert not in_prod_allowed(document, Request(role(PROD, name), action, resource, context))


@pytest.mark.parametrize(
    ("action", "allowed"), [("kms:Decrypt", True), ("kms:GenerateDataKey", True), ("kms:DisableKey", False)]
)
def test_functions_of_prod_use_the_key_of_the_artifacts(action: str, *, allowed: bool) -> None:
    document = IN_PIPELINE.resources["Key"]["Properties"]["KeyPolicy"]
    assert in_prod_allowed(document, Request(role(PROD, "CreateStackRole"), action, KEY)) is allowed
    assert not in_prod_allowed(document, Request(role(OTHER, "CreateStackRole"), action, KEY))
    assert not in_prod_allowed(document, Request(role(PROD, "CollectOutputsRole"), action, KEY))

"""A change that waits for a person: who may answer it, and what the answer does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from stepline.aws.target import Target
from stepline.aws.workflow_approvals import ChangeApproval, answer_workflow_approval, list_workflow_approvals
from stepline.core.approvals import Decision
from stepline.core.errors import UsageError
from tests.end_to_end.local_aws import LocalAws, set_input
from tests.end_to_end.test_deploy import edit, stack
from tests.waiting import wait_for

pytestmark = [pytest.mark.usefixtures("local_aws"), pytest.mark.xdist_group("local_aws")]

STACK = "test-approved"
TIMEOUT = "      VisibilityTimeout: !Ref VisibilityTimeoutSeconds\n"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def target_of(local_aws: LocalAws, role_arn: str, session_name: str) -> Target:
    """Return the local AWS as a person sees it who has assumed the role."""
    sts = local_aws.client("sts")
    found = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
    session = boto3.Session(
        found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], region_name="us-east-1"
    )
    return Target(session, local_aws.endpoint_url, "us-east-1", None, True)


@pytest.fixture
def roles(local_aws: LocalAws) -> Iterator[dict[str, str]]:
    """The ARNs of roles: that of approvers has the policy of the stack's output."""
    iam = local_aws.client("iam")
    outputs: Any = stack(local_aws, "stepline")["Outputs"]
    policy = next(each["OutputValue"] for each in outputs if each["OutputKey"] == "ApproverPolicyArn")
    names = ("approvers", "others")
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
    iam.attach_role_policy(RoleName="approvers", PolicyArn=policy)
    yield {name: f"arn:aws:iam::000000000000:role/{name}" for name in names}
    iam.detach_role_policy(RoleName="approvers", PolicyArn=policy)
    for name in names:
        iam.delete_role(RoleName=name)


def wait_for_request(target: Target) -> ChangeApproval:
    def find() -> ChangeApproval | None:
        return next(
            (
                each
                for each in list_workflow_approvals(target)
                if isinstance(each, ChangeApproval) and each.stack_name == STACK
            ),
            None,
        )

    return wait_for(find, lambda: "no change waits for an approval")


def test_change_waits_until_somebody_with_the_permission_answers(
    local_aws: LocalAws, application: Path, roles: dict[str, str]
) -> None:
    set_input(application, environmentName="test", stackName="approved", approval={"timeoutMinutes": 30})
    assert local_aws.deploy(application).status == "Succeeded"
    edit(application, TIMEOUT, "      QueueName: test-approved-other\n" + TIMEOUT)
    approvers = target_of(local_aws, roles["approvers"], "mary")

    commit = local_aws.push(application)
    request = wait_for_request(approvers)
    shown = local_aws.stepline("status").stdout
    assert f"A change of the stack {STACK}" in shown
    assert "Queue (AWS::SQS::Queue) would be replaced, because of property QueueName" in shown
    (listed,) = json.loads(local_aws.stepline("status", "--json").stdout)["approvals"]
    assert (listed["id"], listed["revision"]) == (request.id, commit)
    rejected = local_aws.stepline("reject", request.id, "--reason", "not before Monday")
    assert rejected.returncode == 0, rejected.stderr
    outcome = local_aws.outcome(local_aws.execution_of(commit))
    assert "rejected the change: not before Monday" in outcome.error
    assert stack(local_aws, STACK)["StackStatus"] == "CREATE_COMPLETE"
    again = local_aws.stepline("approve", request.id)
    assert f"no approval {request.id} waits" in again.stderr

    commit = local_aws.push(application)
    request = wait_for_request(approvers)
    others = target_of(local_aws, roles["others"], "eve")
    with pytest.raises(UsageError, match="you may not answer a change of the stack test-approved"):
        answer_workflow_approval(others, request, Decision.APPROVE, "")
    mary = answer_workflow_approval(approvers, request, Decision.APPROVE, "the queue is empty")
    assert mary == "arn:aws:sts::000000000000:assumed-role/approvers/mary"
    outcome = local_aws.outcome(local_aws.execution_of(commit))
    assert (outcome.status, outcome.error) == ("Succeeded", "")
    assert f"Replaced, as {mary} approved (the queue is empty): Queue (AWS::SQS::Queue)." in outcome.summary
    assert stack(local_aws, STACK)["StackStatus"] == "UPDATE_COMPLETE"

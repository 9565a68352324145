"""What a role may do it may do only where it is meant to: calls with the role's own credentials."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.iam import scope
from tests.iam.pipeline import Pipeline
from tests.iam.scope import clients_of
from tests.iam.stacks import APPLICATION
from tests.iam.system import ACCOUNT

pytestmark = pytest.mark.xdist_group("iam")


@pytest.mark.parametrize("case", scope.cases(APPLICATION), ids=str)
def test_a_role_is_denied_what_is_not_its_own(system: Pipeline, case: scope.Case) -> None:
    scope.check_denied(system, case)


def test_a_session_may_do_no_more_than_its_session_policy(system: Pipeline) -> None:
    """So CodePipeline hands out artifact credentials: they open the artifact store, and nothing else."""
    nothing = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}})
    with pytest.raises(
        ClientError, match="because no session policy allows the cloudformation:DescribeStacks"
    ):
        clients_of(system, "CheckStackExistsRole", nothing)("cloudformation").describe_stacks(
            StackName="iam-a"
        )


def test_a_role_may_be_assumed_only_by_whom_it_trusts(system: Pipeline) -> None:
    trigger = clients_of(system, "TriggerRole")("sts")
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        trigger.assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{system.resources['ApplicationRole']}",
            RoleSessionName="test",
        )


def test_the_artifact_bucket_refuses_whoever_its_policy_denies(system: Pipeline) -> None:
    bucket = "iam-denied"
    s3 = system.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    allow = {**deny, "Effect": "Allow"}
    of_role = clients_of(system, "TriggerRole")("s3")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [allow]}))
    of_role.get_object(Bucket=bucket, Key="a")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [allow, deny]}))
    with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
        of_role.get_object(Bucket=bucket, Key="a")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [{**deny, "NotPrincipal": "*"}]}))
    with pytest.raises(ClientError, match="does not know NotPrincipal"):
        of_role.get_object(Bucket=bucket, Key="a")


def test_expired_credentials_are_refused(system: Pipeline) -> None:
    """And are not taken for the developer's, which open everything."""
    of_role = clients_of(system, "TriggerRole", seconds=-1)
    with pytest.raises(ClientError, match="expired"):
        of_role("sts").get_caller_identity()
    with pytest.raises(ClientError, match="expired"):
        of_role("iam").list_roles()


def test_every_object_of_a_request_is_looked_at(system: Pipeline) -> None:
    """A copy's source, and each of many that are deleted."""
    of_role = clients_of(system, "CreateStackRole")("s3")
    with pytest.raises(ClientError, match=r"s3:GetObject on resource: arn:aws:s3:::elsewhere/a"):
        of_role.copy_object(
            Bucket=system.bucket, Key="templates/copy", CopySource={"Bucket": "elsewhere", "Key": "a"}
        )
    keys = [{"Key": "templates/own"}, {"Key": "stepline/foreign"}]
    with pytest.raises(ClientError, match=r"s3:DeleteObject on resource: .*stepline/foreign"):
        of_role.delete_objects(Bucket=system.bucket, Delete={"Objects": keys})

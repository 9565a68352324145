"""Roles are denied calls beyond their scope."""

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
def test_call_out_of_scope_is_denied(system: Pipeline, case: scope.Case) -> None:
    scope.check_denied(system, case)


def test_session_is_limited_by_its_session_policy(system: Pipeline) -> None:
    """CodePipeline limits artifact credentials to the artifact store in this way."""
    nothing = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}})
    with pytest.raises(
        ClientError, match="because no session policy allows the cloudformation:DescribeStacks"
    ):
        clients_of(system, "CheckStackExistsRole", nothing)("cloudformation").describe_stacks(
            StackName="iam-a"
        )


def test_role_cannot_be_assumed_by_a_role_that_it_does_not_trust(system: Pipeline) -> None:
    trigger = clients_of(system, "TriggerRole")("sts")
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        trigger.assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{system.resources['ApplicationRole']}",
            RoleSessionName="test",
        )


def test_bucket_policy_can_deny_a_role(system: Pipeline) -> None:
    bucket = "iam-denied"
    s3 = system.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    allow = {**deny, "Effect": "Allow"}
    role_client = clients_of(system, "TriggerRole")("s3")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [allow]}))
    role_client.get_object(Bucket=bucket, Key="a")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [allow, deny]}))
    with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
        role_client.get_object(Bucket=bucket, Key="a")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [{**deny, "NotPrincipal": "*"}]}))
    with pytest.raises(ClientError, match="does not support NotPrincipal"):
        role_client.get_object(Bucket=bucket, Key="a")


def test_expired_credentials_are_refused(system: Pipeline) -> None:
    """They must not be treated as the developer's, which are unrestricted."""
    role_client = clients_of(system, "TriggerRole", seconds=-1)
    with pytest.raises(ClientError, match="expired"):
        role_client("sts").get_caller_identity()
    with pytest.raises(ClientError, match="expired"):
        role_client("iam").list_roles()


def test_every_object_of_a_request_is_checked(system: Pipeline) -> None:
    """The source of a copy, and each of several deleted objects."""
    role_client = clients_of(system, "CreateStackRole")("s3")
    with pytest.raises(ClientError, match=r"s3:GetObject on resource: arn:aws:s3:::elsewhere/a"):
        role_client.copy_object(
            Bucket=system.bucket, Key="templates/copy", CopySource={"Bucket": "elsewhere", "Key": "a"}
        )
    keys = [{"Key": "templates/own"}, {"Key": "stepline/foreign"}]
    with pytest.raises(ClientError, match=r"s3:DeleteObject on resource: .*stepline/foreign"):
        role_client.delete_objects(Bucket=system.bucket, Delete={"Objects": keys})

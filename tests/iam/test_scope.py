"""What a role may do it may do only where it is meant to: calls with the role's own credentials."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.iam.system import ACCOUNT, REGION, System

pytestmark = pytest.mark.xdist_group("iam")

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("out_of_scope.json").read_text())


def clients_of(system: System, role: str, policy: str = "", *, seconds: int = 900) -> Callable[[str], Any]:
    """Clients of a session of the role, which for these calls the account may assume, too."""
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
    session: Any = boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=REGION,
    )
    return lambda service: session.client(service, endpoint_url=system.endpoint_url)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['role']} {case['denied']}")
def test_a_role_is_denied_what_is_not_its_own(system: System, case: dict[str, Any]) -> None:
    role, action = case["role"], case["denied"]
    parameters = {
        key: system.bucket if value == "ARTIFACT-BUCKET" else value
        for key, value in case["parameters"].items()
    }
    with pytest.raises(ClientError) as caught:
        getattr(clients_of(system, role)(case["service"]), case["operation"])(**parameters)
    error = caught.value.response["Error"]
    assert error["Code"] in {"AccessDenied", "AccessDeniedException"}
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{system.resources[role]}/test"
    assert error["Message"].startswith(f"User: {arn} is not authorized to perform: {action} on resource: ")
    assert error["Message"].endswith(f"because no identity-based policy allows the {action} action")


def test_a_session_may_do_no_more_than_its_session_policy(system: System) -> None:
    """So CodePipeline hands out artifact credentials: they open the artifact store, and nothing else."""
    nothing = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}})
    with pytest.raises(
        ClientError, match="because no session policy allows the cloudformation:DescribeStacks"
    ):
        clients_of(system, "CheckStackExistsRole", nothing)("cloudformation").describe_stacks(
            StackName="iam-a"
        )


def test_a_role_may_be_assumed_only_by_whom_it_trusts(system: System) -> None:
    trigger = clients_of(system, "TriggerRole")("sts")
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        trigger.assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{system.resources['ApplicationRole']}",
            RoleSessionName="test",
        )


def test_the_artifact_bucket_refuses_whoever_its_policy_denies(system: System) -> None:
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


def test_expired_credentials_are_refused(system: System) -> None:
    """And are not taken for the developer's, which open everything."""
    of_role = clients_of(system, "TriggerRole", seconds=-1)
    with pytest.raises(ClientError, match="expired"):
        of_role("sts").get_caller_identity()
    with pytest.raises(ClientError, match="expired"):
        of_role("iam").list_roles()


def test_every_object_of_a_request_is_looked_at(system: System) -> None:
    """A copy's source, and each of many that are deleted."""
    of_role = clients_of(system, "CreateStackRole")("s3")
    with pytest.raises(ClientError, match=r"s3:GetObject on resource: arn:aws:s3:::elsewhere/a"):
        of_role.copy_object(
            Bucket=system.bucket, Key="templates/copy", CopySource={"Bucket": "elsewhere", "Key": "a"}
        )
    keys = [{"Key": "templates/own"}, {"Key": "stepline/foreign"}]
    with pytest.raises(ClientError, match=r"s3:DeleteObject on resource: .*stepline/foreign"):
        of_role.delete_objects(Bucket=system.bucket, Delete={"Objects": keys})

"""Accounts and regions of the local AWS: separate resources, and requests across them.

The access key is an account's id, that of a role session, or any other text, for the account in which the
local AWS runs pipelines. The region is that of the request's signature.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.end_to_end.local_aws import LocalAws
from tests.local_clients import local_client
from tests.waiting import wait_for

HOME, FIRST, SECOND = "test", "111111111111", "222222222222"
TEMPLATE = json.dumps(
    {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "accounts"}}},
        "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}},
    }
)
ALARM = {
    "AlarmName": "accounts",
    "Namespace": "accounts",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 10,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


def client_of(local_aws: LocalAws, service: str, account: str, region: str = "us-east-1") -> Any:
    return local_client(local_aws.port, service, aws_access_key_id=account, region_name=region)


def session_of(local_aws: LocalAws, service: str, account: str, role: str, **options: Any) -> Any:
    """Return a client of a role session, which `account` starts."""
    sts = client_of(local_aws, "sts", account)
    keys = sts.assume_role(RoleArn=role, RoleSessionName="test", **options)["Credentials"]
    return local_client(
        local_aws.port,
        service,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def create_role(
    local_aws: LocalAws, account: str, name: str, trust: list[dict[str, Any]], *statements: dict[str, Any]
) -> str:
    iam = client_of(local_aws, "iam", account)
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return str(role["Arn"])


def trust_in(principal: str, *actions: str, **condition: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": list(actions or ("sts:AssumeRole",)),
        **({"Condition": condition} if condition else {}),
    }


def test_stacks_of_accounts_and_regions_are_separate(local_aws: LocalAws) -> None:
    places = [(account, region) for account in (FIRST, SECOND) for region in ("us-east-1", "eu-west-1")]
    for account, region in places:
        stacks = client_of(local_aws, "cloudformation", account, region)
        stacks.create_stack(StackName="accounts", TemplateBody=TEMPLATE)
        stacks.get_waiter("stack_create_complete").wait(StackName="accounts", WaiterConfig={"Delay": 1})
    for account, region in places:
        stacks = client_of(local_aws, "cloudformation", account, region)
        (stack,) = stacks.describe_stacks(StackName="accounts")["Stacks"]
        assert stack["StackId"].startswith(f"arn:aws:cloudformation:{region}:{account}:stack/accounts/")
        assert stack["Outputs"][0]["OutputValue"] == f"arn:aws:sns:{region}:{account}:accounts"
    with pytest.raises(ClientError, match="does not exist"):
        client_of(local_aws, "cloudformation", HOME).describe_stacks(StackName="accounts")


def test_alarm_is_evaluated_in_its_account_and_region(local_aws: LocalAws) -> None:
    for region in ("us-east-1", "eu-west-1"):
        client_of(local_aws, "cloudwatch", SECOND, region).put_metric_alarm(**ALARM)
    metrics = client_of(local_aws, "cloudwatch", SECOND, "eu-west-1")
    metrics.put_metric_data(Namespace="accounts", MetricData=[{"MetricName": "Errors", "Value": 1.0}])

    def state(region: str) -> str:
        alarms = client_of(local_aws, "cloudwatch", SECOND, region).describe_alarms(AlarmNames=["accounts"])
        return str(alarms["MetricAlarms"][0]["StateValue"])

    wait_for(lambda: state("eu-west-1") == "ALARM")
    assert state("us-east-1") == "INSUFFICIENT_DATA"


def test_role_of_another_account_requires_its_external_id(local_aws: LocalAws) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "secret-handshake"}}
    role = create_role(local_aws, SECOND, "external", [trust_in(FIRST, **condition)])
    for wrong in ({}, {"ExternalId": "another"}):
        with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
            session_of(local_aws, "sts", FIRST, role, **wrong)
    session = session_of(local_aws, "sts", FIRST, role, ExternalId="secret-handshake")
    assert session.get_caller_identity()["Account"] == SECOND
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        session_of(local_aws, "sts", HOME, role, ExternalId="secret-handshake")


def test_session_tags_require_tag_session(local_aws: LocalAws) -> None:
    tags = {"Tags": [{"Key": "Team", "Value": "blue"}]}
    untagged = create_role(local_aws, SECOND, "untagged", [trust_in(FIRST)])
    with pytest.raises(ClientError, match="not authorized to perform: sts:TagSession"):
        session_of(local_aws, "sts", FIRST, untagged, **tags)
    condition = {"StringEquals": {"aws:RequestTag/Team": "blue"}}
    own_topics = {"StringEquals": {"aws:PrincipalTag/Team": "blue"}}
    tagged = create_role(
        local_aws,
        SECOND,
        "tagged",
        [trust_in(FIRST, "sts:AssumeRole", "sts:TagSession", **condition)],
        {"Effect": "Allow", "Action": "sns:ListTopics", "Resource": "*", "Condition": own_topics},
    )
    session_of(local_aws, "sns", FIRST, tagged, **tags).list_topics()
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        session_of(local_aws, "sts", FIRST, tagged, Tags=[{"Key": "Team", "Value": "red"}])


def test_role_session_needs_both_accounts_to_assume_a_role(local_aws: LocalAws) -> None:
    """The policy of the caller's role, and the trust policy of the other account's role."""
    target = create_role(local_aws, SECOND, "chained", [trust_in(FIRST)])
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": target}
    may = create_role(local_aws, FIRST, "may", [trust_in(FIRST)], allowed)
    may_not = create_role(local_aws, FIRST, "may-not", [trust_in(FIRST)])
    request = {"RoleArn": target, "RoleSessionName": "chained"}
    session_of(local_aws, "sts", FIRST, may).assume_role(**request)
    with pytest.raises(ClientError, match="no identity-based policy"):
        session_of(local_aws, "sts", FIRST, may_not).assume_role(**request)


def test_bucket_of_another_account_needs_both_policies(local_aws: LocalAws) -> None:
    name = "accounts-bucket"
    owner = client_of(local_aws, "s3", SECOND)
    owner.create_bucket(Bucket=name)
    owner.put_object(Bucket=name, Key="a", Body=b"text")
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    reader = create_role(local_aws, FIRST, "reader", [trust_in(FIRST)], read)
    other = create_role(local_aws, FIRST, "other-reader", [trust_in(FIRST)], read)
    objects = session_of(local_aws, "s3", FIRST, reader)
    with pytest.raises(ClientError, match="no resource-based policy"):
        objects.get_object(Bucket=name, Key="a")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**read, "Principal": {"AWS": reader}}]})
    owner.put_bucket_policy(Bucket=name, Policy=policy)
    assert objects.get_object(Bucket=name, Key="a")["Body"].read() == b"text"
    with pytest.raises(ClientError, match="AccessDenied"):
        session_of(local_aws, "s3", FIRST, other).get_object(Bucket=name, Key="a")
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        client_of(local_aws, "s3", FIRST).create_bucket(Bucket=name)


@pytest.mark.parametrize(("account", "region"), [(FIRST, "us-east-1"), (HOME, "eu-west-1")])
def test_pipelines_are_in_one_account_and_region(local_aws: LocalAws, account: str, region: str) -> None:
    with pytest.raises(ClientError, match="only in the account 000000000000, region us-east-1"):
        client_of(local_aws, "codepipeline", account, region).list_pipelines()

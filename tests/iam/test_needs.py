"""What requests need besides the permission of their own name."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stepline.localaws.iam import Need
from stepline.localaws.iam.needs import Call, log_delivery, needs_of
from stepline.localaws.iam.service_requests import codecommit, codepipeline, logs

KEY = "arn:aws:kms:us-east-1:000000000000:key/k"
OBJECT = "arn:aws:s3:::bucket/a/b"
STACK = "arn:aws:cloudformation:us-east-1:000000000000:stack/s/*"
ROLE = "arn:aws:iam::000000000000:role/r"


@dataclass(frozen=True)
class Objects:
    """Buckets of which `encrypted` has a default key, and where all objects but those named `missing` are."""

    def exists(self, bucket: str, key: str) -> bool:
        return "missing" not in key

    def key_of_object(self, bucket: str, key: str) -> str | None:
        return KEY if bucket == "encrypted" else None

    def default_key(self, bucket: str) -> str | None:
        return KEY if bucket == "encrypted" else None


def more(action: str, resource: str, **parameters: str) -> list[tuple[str, str]]:
    needs = list(needs_of(Call(Need(action, resource), parameters), Objects()))
    assert (needs[0].action, needs[0].resource) == (action, resource)
    return [(need.action, need.resource) for need in needs[1:]]


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", OBJECT, []),
        ("s3:GetObject", "arn:aws:s3:::encrypted/a", [("kms:Decrypt", KEY)]),
        ("s3:GetObject", "arn:aws:s3:::bucket/missing", [("s3:ListBucket", "arn:aws:s3:::bucket")]),
        ("s3:PutObject", OBJECT, []),
        ("s3:PutObject", "arn:aws:s3:::encrypted/a", [("kms:GenerateDataKey", KEY)]),
        ("s3:DeleteObject", "arn:aws:s3:::encrypted/a", []),
    ],
)
def test_objects_may_need_their_key(action: str, resource: str, expected: list[tuple[str, str]]) -> None:
    assert more(action, resource) == expected


def test_an_object_is_encrypted_as_its_request_says() -> None:
    encrypted = {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "arn:k",
    }
    assert more("s3:PutObject", OBJECT, **encrypted) == [("kms:GenerateDataKey", "arn:k")]
    by_s3 = {"x-amz-server-side-encryption": "AES256"}
    assert more("s3:PutObject", "arn:aws:s3:::encrypted/a", **by_s3) == []


def test_a_part_of_an_upload_is_decrypted_too() -> None:
    needed = more("s3:PutObject", "arn:aws:s3:::encrypted/a", partNumber="1", uploadId="u")
    assert needed == [("kms:GenerateDataKey", KEY), ("kms:Decrypt", KEY)]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, []),
        ({"RoleARN": ROLE}, [("iam:PassRole", ROLE)]),
        ({"Tags.member.1.Key": "a"}, [("cloudformation:TagResource", STACK)]),
        ({"StackPolicyBody": "{}"}, [("cloudformation:SetStackPolicy", STACK)]),
        ({"TemplateURL": "http://127.0.0.1:4566/bucket/a/b"}, [("s3:GetObject", OBJECT)]),
        (
            {"TemplateURL": "https://s3.amazonaws.com/encrypted/a%20b"},
            [("s3:GetObject", "arn:aws:s3:::encrypted/a b"), ("kms:Decrypt", KEY)],
        ),
    ],
)
def test_a_stack_needs_what_is_passed_along(
    parameters: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    assert more("cloudformation:CreateStack", STACK, **parameters) == expected


def test_a_passed_role_tells_to_whom() -> None:
    call = Call(Need("cloudformation:DeleteStack", STACK), {"RoleARN": ROLE})
    (_, passed) = needs_of(call, Objects())
    assert passed.context == {"iam:passedtoservice": "cloudformation.amazonaws.com"}


@pytest.mark.parametrize(
    ("operation", "parameters", "resource"),
    [
        ("StartPipelineExecution", {"name": "p"}, "p"),
        ("GetPipelineExecution", {"pipelineName": "p"}, "p"),
        ("CreatePipeline", {"pipeline": {"name": "p"}}, "p"),
        ("RetryStageExecution", {"pipelineName": "p", "stageName": "S"}, "p/S"),
        ("PutApprovalResult", {"pipelineName": "p", "stageName": "S", "actionName": "A"}, "p/S/A"),
    ],
)
def test_pipelines_stages_and_actions_are_resources(
    operation: str, parameters: dict[str, object], resource: str
) -> None:
    need = codepipeline(operation, parameters, account="0", region="r")
    assert need == Need(f"codepipeline:{operation}", f"arn:aws:codepipeline:r:0:{resource}")


def test_jobs_are_no_resources() -> None:
    need = codepipeline("PutJobSuccessResult", {"jobId": "j"}, account="0", region="r")
    assert need == Need("codepipeline:PutJobSuccessResult", "*")


def test_repositories_are_resources() -> None:
    need = codecommit("GetBranch", {"repositoryName": "a", "branchName": "b"}, account="0", region="r")
    assert need == Need("codecommit:GetBranch", "arn:aws:codecommit:r:0:a")
    assert codecommit("ListRepositories", {}, account="0", region="r").resource == "*"


GROUP = "arn:aws:logs:r:0:log-group:/g:log-stream:"


@pytest.mark.parametrize(
    ("parameters", "resource"),
    [
        ({"logGroupName": "/g"}, GROUP),
        ({"logGroupName": "/g", "logStreamName": "s"}, f"{GROUP}s"),
        ({"logGroupIdentifier": "arn:aws:logs:r:0:log-group:/g:*"}, GROUP),
        ({"logGroupIdentifier": "/g"}, GROUP),
        ({"resourceArn": "arn:aws:logs:r:0:log-group:/g"}, "arn:aws:logs:r:0:log-group:/g"),
        ({}, "*"),
    ],
)
def test_a_log_group_is_the_beginning_of_its_streams(parameters: dict[str, str], resource: str) -> None:
    """So that `log-group:/g:*`, which is a group's own ARN, allows what is done to the group."""
    assert logs("AnOperation", parameters, account="0", region="r") == Need("logs:AnOperation", resource)


def test_each_operation_on_a_logged_machine_has_its_own_permission() -> None:
    assert [need.action for need in log_delivery("Update")] == ["logs:UpdateLogDelivery"]
    assert "logs:CreateLogDelivery" in [need.action for need in log_delivery("Create")]


def test_a_stack_operation_tells_conditions_its_role_template_and_change_set() -> None:
    parameters = {"RoleARN": "r", "TemplateURL": "https://s3/b/k", "ChangeSetName": "c", "StackName": "s"}
    need = next(iter(needs_of(Call(Need("cloudformation:CreateChangeSet", STACK), parameters), Objects())))
    assert need.context == {
        "cloudformation:rolearn": "r",
        "cloudformation:templateurl": "https://s3/b/k",
        "cloudformation:changesetname": "c",
    }

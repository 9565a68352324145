"""The permissions that requests require besides that of their own name."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stepline.localaws.iam import Permission
from stepline.localaws.iam.required_permissions import (
    ServiceRequest,
    log_delivery_permissions,
    required_permissions,
)
from stepline.localaws.iam.service_requests import (
    codecommit_permission,
    codepipeline_permission,
    logs_permission,
    scheduler_permissions,
    state_machine_permission,
)
from stepline.localaws.protocol.rest import operation_at

KEY = "arn:aws:kms:us-east-1:000000000000:key/k"
OBJECT = "arn:aws:s3:::bucket/a/b"
STACK = "arn:aws:cloudformation:us-east-1:000000000000:stack/s/*"
ROLE = "arn:aws:iam::000000000000:role/r"

ACTION_TYPE = {"category": "Test", "provider": "Checks", "version": "1"}


@dataclass(frozen=True)
class FakeObjects:
    """The topic `encrypted` has a key, the bucket `encrypted` a default key.

    Every object exists whose key does not contain `missing`.
    """

    def exists(self, bucket: str, key: str) -> bool:
        return "missing" not in key

    def key_of_object(self, bucket: str, key: str) -> str | None:
        return KEY if bucket == "encrypted" else None

    def default_key(self, bucket: str) -> str | None:
        return KEY if bucket == "encrypted" else None

    def key_of_topic(self, topic_arn: str) -> str | None:
        return KEY if topic_arn.endswith(":encrypted") else None

    def key_arn(self, identifier: str) -> str | None:
        return None if identifier.startswith("alias/aws/") else identifier


def further(action: str, resource: str, **parameters: str) -> list[tuple[str, str]]:
    permissions = list(
        required_permissions(ServiceRequest(Permission(action, resource), parameters), FakeObjects())
    )
    assert (permissions[0].action, permissions[0].resource) == (action, resource)
    return [(permission.action, permission.resource) for permission in permissions[1:]]


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
def test_object_may_require_its_kms_key(action: str, resource: str, expected: list[tuple[str, str]]) -> None:
    assert further(action, resource) == expected


def test_encryption_of_the_request_overrides_that_of_the_bucket() -> None:
    encrypted = {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "arn:k",
    }
    assert further("s3:PutObject", OBJECT, **encrypted) == [("kms:GenerateDataKey", "arn:k")]
    encrypted["x-amz-server-side-encryption-aws-kms-key-id"] = "alias/aws/s3"
    assert further("s3:PutObject", OBJECT, **encrypted) == []
    by_s3 = {"x-amz-server-side-encryption": "AES256"}
    assert further("s3:PutObject", "arn:aws:s3:::encrypted/a", **by_s3) == []


def test_part_of_an_upload_requires_decryption() -> None:
    permissions = further("s3:PutObject", "arn:aws:s3:::encrypted/a", partNumber="1", uploadId="u")
    assert permissions == [("kms:GenerateDataKey", KEY), ("kms:Decrypt", KEY)]


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
def test_stack_operation_requires_what_its_parameters_pass(
    parameters: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    assert further("cloudformation:CreateStack", STACK, **parameters) == expected


def test_passed_role_names_the_service() -> None:
    request = ServiceRequest(Permission("cloudformation:DeleteStack", STACK), {"RoleARN": ROLE})
    (_, passed) = required_permissions(request, FakeObjects())
    assert passed.context == {"iam:passedtoservice": "cloudformation.amazonaws.com"}


@pytest.mark.parametrize(
    ("operation", "parameters", "resource"),
    [
        ("StartPipelineExecution", {"name": "p"}, "p"),
        ("GetPipelineExecution", {"pipelineName": "p"}, "p"),
        ("CreatePipeline", {"pipeline": {"name": "p"}}, "p"),
        ("RetryStageExecution", {"pipelineName": "p", "stageName": "S"}, "p/S"),
        ("PutApprovalResult", {"pipelineName": "p", "stageName": "S", "actionName": "A"}, "p/S/A"),
        ("CreateCustomActionType", ACTION_TYPE, "actiontype:Custom/Test/Checks/1"),
        ("DeleteCustomActionType", ACTION_TYPE, "actiontype:Custom/Test/Checks/1"),
        (
            "PollForJobs",
            {"actionTypeId": {**ACTION_TYPE, "owner": "Custom"}},
            "actiontype:Custom/Test/Checks/1",
        ),
    ],
)
def test_resource_is_the_pipeline_stage_action_or_action_type(
    operation: str, parameters: dict[str, object], resource: str
) -> None:
    permission = codepipeline_permission(operation, parameters, account="0", region="r")
    assert permission == Permission(f"codepipeline:{operation}", f"arn:aws:codepipeline:r:0:{resource}")


@pytest.mark.parametrize("operation", ["PutJobSuccessResult", "PutJobFailureResult", "AcknowledgeJob"])
def test_job_requests_have_no_resource(operation: str) -> None:
    permission = codepipeline_permission(operation, {"jobId": "j"}, account="0", region="r")
    assert permission == Permission(f"codepipeline:{operation}", "*")


def test_resource_is_the_repository() -> None:
    permission = codecommit_permission(
        "GetBranch", {"repositoryName": "a", "branchName": "b"}, account="0", region="r"
    )
    assert permission == Permission("codecommit:GetBranch", "arn:aws:codecommit:r:0:a")
    assert codecommit_permission("ListRepositories", {}, account="0", region="r").resource == "*"


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
def test_resource_of_a_log_group_is_the_prefix_of_its_streams(
    parameters: dict[str, str], resource: str
) -> None:
    """`log-group:/g:*`, which is a group's own ARN, must match requests on the group."""
    assert logs_permission("AnOperation", parameters, account="0", region="r") == Permission(
        "logs:AnOperation", resource
    )


def test_log_delivery_requires_another_action_for_each_operation() -> None:
    assert [permission.action for permission in log_delivery_permissions("Update")] == [
        "logs:UpdateLogDelivery"
    ]
    assert "logs:CreateLogDelivery" in [
        permission.action for permission in log_delivery_permissions("Create")
    ]


def test_stack_operation_sets_condition_keys_of_role_template_and_change_set() -> None:
    parameters = {"RoleARN": "r", "TemplateURL": "https://s3/b/k", "ChangeSetName": "c", "StackName": "s"}
    permission = next(
        iter(
            required_permissions(
                ServiceRequest(Permission("cloudformation:CreateChangeSet", STACK), parameters),
                FakeObjects(),
            )
        )
    )
    assert permission.context == {
        "cloudformation:rolearn": "r",
        "cloudformation:templateurl": "https://s3/b/k",
        "cloudformation:changesetname": "c",
    }


def test_encrypted_topic_requires_its_kms_key() -> None:
    topic = "arn:aws:sns:us-east-1:000000000000:"
    assert further("sns:Publish", topic + "plain") == []
    assert further("sns:Publish", topic + "encrypted") == [("kms:GenerateDataKey", KEY), ("kms:Decrypt", KEY)]


def test_namespace_of_metrics_is_a_condition_key() -> None:
    request = ServiceRequest(Permission("cloudwatch:PutMetricData", "*"), {"Namespace": "stepline"})
    (permission,) = required_permissions(request, FakeObjects())
    assert permission.context == {"cloudwatch:namespace": "stepline"}


def test_prefix_of_a_list_is_a_condition_key() -> None:
    request = ServiceRequest(Permission("s3:ListBucket", "arn:aws:s3:::b"), {"prefix": "templates/"})
    (permission,) = required_permissions(request, FakeObjects())
    assert permission.context == {"s3:prefix": "templates/"}


@pytest.mark.parametrize(
    ("arn", "resource", "context"),
    [
        (
            "arn:aws:states:us-east-1:000000000000:stateMachine:m",
            "arn:aws:states:us-east-1:000000000000:stateMachine:m",
            {},
        ),
        (
            "arn:aws:states:us-east-1:000000000000:stateMachine:m:live",
            "arn:aws:states:us-east-1:000000000000:stateMachine:m",
            {"states:statemachinequalifier": "live"},
        ),
        (
            "arn:aws:states:us-east-1:000000000000:execution:m:live",
            "arn:aws:states:us-east-1:000000000000:execution:m:live",
            {},
        ),
    ],
)
def test_version_or_alias_needs_the_permission_of_its_state_machine(
    arn: str, resource: str, context: dict[str, str]
) -> None:
    found = state_machine_permission("states:StartExecution", arn)
    assert (found.resource, found.context) == (resource, context)


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("CreateSchedule", {"Name": "a"}, "schedule/default/a"),
        ("CreateSchedule", {"Name": "a", "GroupName": "g"}, "schedule/g/a"),
        ("DeleteSchedule", {"Name": "a", "GroupName": "g"}, "schedule/g/a"),
        ("CreateScheduleGroup", {"Name": "g"}, "schedule-group/g"),
        ("ListSchedules", {"GroupName": "g"}, "*"),
    ],
)
def test_request_of_the_scheduler_is_on_its_schedule(
    operation: str, parameters: dict[str, str], expected: str
) -> None:
    (needed,) = scheduler_permissions(operation, parameters, account="1", region="us-east-1")
    arn = "*" if expected == "*" else f"arn:aws:scheduler:us-east-1:1:{expected}"
    assert (needed.action, needed.resource) == (f"scheduler:{operation}", arn)


def test_role_of_a_schedule_is_passed() -> None:
    parameters = {"Name": "a", "Target": {"RoleArn": "arn:aws:iam::1:role/r"}}
    _, passed = scheduler_permissions("CreateSchedule", parameters, account="1", region="us-east-1")
    assert passed == Permission(
        "iam:PassRole", "arn:aws:iam::1:role/r", {"iam:passedtoservice": "scheduler.amazonaws.com"}
    )


@pytest.mark.parametrize(
    ("service", "method", "path", "operation"),
    [
        ("scheduler", "POST", "/schedules/a-1", "CreateSchedule"),
        ("scheduler", "GET", "/schedules", "ListSchedules"),
        ("lambda", "GET", "/2015-03-31/functions/f/policy", "GetPolicy"),
        ("batch", "POST", "/v1/submitjob", "SubmitJob"),
        ("batch", "POST", "/v1/none", None),
    ],
)
def test_operation_is_found_by_its_path(service: str, method: str, path: str, operation: str | None) -> None:
    assert operation_at(service, method, path) == operation

"""Whether an approver is certainly another person than the requester."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from statemachines.approvals.requesters import Principal, Requester, find_requester
from stepline.core.aws_errors import translated
from stepline.core.errors import TransientAwsError
from tests.fakes.clients import client_of
from tests.fakes.codepipeline import FakeCodePipeline

IAM, STS = "arn:aws:iam::123456789012:", "arn:aws:sts::123456789012:"
SSO = f"{STS}assumed-role/AWSReservedSSO_Admin_0123456789abcdef"
PIPELINE = {"pipelineName": "orders", "pipelineExecutionId": "7e0c9a4e-0000-4000-8000-000000000000"}


@pytest.mark.parametrize(
    ("requester", "approver", "is_another"),
    [
        (f"{IAM}user/bob", f"{IAM}user/mary", True),
        (f"{IAM}user/bob", f"{IAM}user/bob", False),
        (f"{IAM}user/team/bob", f"{IAM}user/bob", False),  # names are unique, whatever their paths
        (f"{IAM}user/bob", "arn:aws:iam::210987654321:user/bob", True),
        (f"{IAM}root", f"{IAM}root", False),
        (f"{IAM}user/bob", f"{STS}assumed-role/approvers/bob", True),
        (f"{STS}assumed-role/developers/bob", f"{STS}assumed-role/approvers/mary", True),
        (f"{STS}assumed-role/developers/bob", f"{STS}assumed-role/developers/bob", False),
        # Who assumes a role chooses the name of the session.
        (f"{STS}assumed-role/developers/bob", f"{STS}assumed-role/developers/mary", False),
        (f"{IAM}role/team/developers", f"{STS}assumed-role/developers/mary", False),
        # IAM Identity Center sets it.
        (f"{SSO}/bob@example.com", f"{SSO}/mary@example.com", True),
        (f"{SSO}/bob@example.com", f"{SSO}/bob@example.com", False),
        (f"{IAM}role/aws-reserved/sso.amazonaws.com/{SSO.rpartition('/')[2]}", f"{SSO}/mary", False),
        (f"{STS}federated-user/bob", f"{STS}federated-user/mary", True),
    ],
)  # fmt: skip
def test_principals_are_compared(requester: str, approver: str, *, is_another: bool) -> None:
    first, second = Principal.parse(requester), Principal.parse(approver)
    assert first is not None
    assert second is not None
    assert second.is_certainly_another_than(first) is is_another
    assert first.is_certainly_another_than(second) is is_another


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:events:us-east-1:123456789012:rule/push",
        "arn:aws:codepipeline:us-east-1:123456789012:webhook:w",
        "mary",
    ],
)
def test_other_details_of_triggers_are_no_principals(arn: str) -> None:
    assert Principal.parse(arn) is None


def test_person_who_started_the_pipeline_is_the_requester() -> None:
    trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": f"{IAM}user/bob"}
    client = client_of(FakeCodePipeline(trigger=trigger))
    assert find_requester(client, PIPELINE) == Requester(arn=f"{IAM}user/bob")


def test_requester_of_a_push_is_unknown() -> None:
    trigger = {"triggerType": "CloudWatchEvent", "triggerDetail": "arn:aws:events:us-east-1:1:rule/push"}
    found = find_requester(client_of(FakeCodePipeline(trigger=trigger)), PIPELINE)
    assert found.arn == ""
    assert found.explanation == "the pipeline was started by CloudWatchEvent, which does not say by whom"


@pytest.mark.parametrize("given", [None, {}, {"pipelineName": "orders"}, {"pipelineExecutionId": 5}])
def test_requester_is_unknown_without_a_pipeline(given: object) -> None:
    assert find_requester(client_of(FakeCodePipeline()), given).explanation.startswith("the input does not")


def test_requester_is_unknown_if_the_execution_cannot_be_read() -> None:
    codepipeline = FakeCodePipeline()
    codepipeline.fail_next("GetPipelineExecution", "AccessDeniedException", status=403)
    found = find_requester(client_of(codepipeline), PIPELINE)
    assert found.explanation == "the pipeline execution could not be read (AccessDeniedException)"


def test_temporary_error_is_no_reason_for_an_unknown_requester() -> None:
    codepipeline = FakeCodePipeline()
    codepipeline.fail_next("GetPipelineExecution", "ThrottlingException")
    with pytest.raises(TransientAwsError) as caught, translated():
        find_requester(client_of(codepipeline), PIPELINE)
    assert isinstance(caught.value.__cause__, ClientError)

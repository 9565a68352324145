"""What a change set changes, and what `stepline up` refuses."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.core.errors import UsageError
from stepline.deployment.stack_changes import ResourceChange, check_changes, earlier_parameters, list_changes
from tests.aws.fakes import Answers
from tests.localaws.codepipeline.fakes import client_error

PIPELINE = "AWS::CodePipeline::Pipeline"


def change(action: str, logical_id: str, resource_type: str, **members: Any) -> dict[str, Any]:
    names = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": resource_type}
    return {"Type": "Resource", "ResourceChange": names | members}


STATIC = [{"Evaluation": "Static"}, {"Evaluation": "Dynamic"}]
DYNAMIC = [{"Evaluation": "Dynamic"}]
CHANGE_SETS = {
    "root": [
        change("Add", "Queue", "AWS::SQS::Queue"),
        change("Modify", "Table", "AWS::DynamoDB::Table", Replacement="True", Details=STATIC),
        change("Modify", "Role", "AWS::IAM::Role", Replacement="False", Details=DYNAMIC),
        change(
            "Modify", "Nested", "AWS::CloudFormation::Stack", ChangeSetId="nested", PhysicalResourceId="arn"
        ),
    ],
    "nested": [change("Remove", "Topic", "AWS::SNS::Topic")],
}


def test_changes_of_nested_stacks_are_listed_below_them() -> None:
    client: Any = Answers(
        {"describe_change_set": lambda params: {"Changes": CHANGE_SETS[params["ChangeSetName"]]}}
    )
    assert list_changes(client, "stack", "root") == [
        ResourceChange("Add", "Queue", "AWS::SQS::Queue", is_replaced=False),
        ResourceChange("Modify", "Table", "AWS::DynamoDB::Table", is_replaced=True),
        ResourceChange("Modify", "Role", "AWS::IAM::Role", is_replaced=False, is_certain=False),
        ResourceChange("Modify", "Nested", "AWS::CloudFormation::Stack", is_replaced=False),
        ResourceChange("Remove", "Nested/Topic", "AWS::SNS::Topic", is_replaced=False),
    ]


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (ResourceChange("Remove", "Pipeline", PIPELINE, is_replaced=False), "would remove Pipeline"),
        (ResourceChange("Modify", "A/Pipeline", PIPELINE, is_replaced=True), "would replace A/Pipeline"),
        (
            ResourceChange("Remove", "Code", "AWS::CodeCommit::Repository", is_replaced=False),
            "would remove Code .* use|with --stack-name",
        ),
    ],
)
def test_loss_of_a_pipeline_or_repository_is_refused(refused: ResourceChange, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_changes("stepline", [refused])


def test_other_changes_are_accepted() -> None:
    check_changes(
        "stepline",
        [
            ResourceChange("Modify", "Pipeline", PIPELINE, is_replaced=False),
            ResourceChange("Add", "Second", PIPELINE, is_replaced=False),
            ResourceChange("Remove", "Queue", "AWS::SQS::Queue", is_replaced=False),
        ],
    )


def test_parameters_with_other_values_than_the_default_are_kept() -> None:
    parameters = {"Kept": "2", "Default": "1", "Removed": "3", "Secret": "****", "NoDefault": "x"}
    stack = {
        "StackId": "arn",
        "StackName": "s",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": None,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }
    defaults = {"Kept": "1", "Default": "1", "Removed": "1", "Secret": "s"}
    summary = [{"ParameterKey": key, "DefaultValue": value} for key, value in defaults.items()]
    client: Any = Answers(
        {
            "describe_stacks": {"Stacks": [stack]},
            "get_template_summary": {"Parameters": [*summary, {"ParameterKey": "NoDefault"}]},
        }
    )
    declared: dict[str, object] = {"Kept": {}, "Default": {}, "Secret": {}, "NoDefault": {}, "New": {}}
    assert earlier_parameters(client, "s", declared) == {"Kept", "Secret", "NoDefault"}


def test_new_stack_has_no_earlier_parameters() -> None:
    missing = client_error("ValidationError", "DescribeStacks", "Stack with id s does not exist")
    client: Any = Answers({"describe_stacks": missing})
    assert earlier_parameters(client, "s", {"A": {}}) == set()

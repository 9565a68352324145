"""Lambda functions by name, logical id and parts of them."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.aws.functions import Function, find_function, list_functions, resolve_function
from stepline.aws.stacks import DEFAULT_STACK
from stepline.core.errors import UsageError
from tests.aws.fakes import FUNCTIONS, Answers, target_of
from tests.localaws.codepipeline.fakes import client_error


@pytest.mark.parametrize(
    ("text", "logical_id"),
    [
        ("stepline-CreateStackFunction-A1", "CreateStackFunction"),
        ("CreateStackFunction", "CreateStackFunction"),
        ("arn:aws:lambda:us-east-1:000000000000:function:stepline-TriggerFunction-C3", "TriggerFunction"),
        (
            "arn:aws:lambda:us-east-1:000000000000:function:stepline-TriggerFunction-C3:live",
            "TriggerFunction",
        ),
        ("trigger", "TriggerFunction"),
        ("create-stack", "CreateStackFunction"),
        ("change_set", "CreateChangeSetFunction"),
        ("stepline/TriggerFunction", "TriggerFunction"),
        ("stepline/trigger", "TriggerFunction"),
        ("unrelated", None),
        ("relat", None),
    ],
)
def test_function_is_found(text: str, logical_id: str | None) -> None:
    assert find_function(FUNCTIONS, text, DEFAULT_STACK).logical_id == logical_id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("create", "'create' matches several functions: create-change-set, create-stack"),
        ("nothing", "function 'nothing' does not exist; the functions are: create-change-set,"),
        (
            "create-stak",
            "'create-stak' does not exist \\(did you mean 'create-stack'\\?\\); the functions are: ",
        ),
        ("other/trigger", "function 'other/trigger' does not exist"),
        ("---", "function '---' does not exist"),
    ],
)
def test_unknown_or_ambiguous_function_is_rejected(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_function(FUNCTIONS, text, DEFAULT_STACK)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_is_found_by_its_short_name(function: Function) -> None:
    assert find_function(FUNCTIONS, function.short_name, DEFAULT_STACK) == function


def test_short_names_are_those_of_the_documentation() -> None:
    assert [function.short_name for function in FUNCTIONS] == [
        "create-change-set",
        "create-stack",
        "trigger",
        "unrelated",
    ]


def test_missing_functions_are_reported() -> None:
    with pytest.raises(UsageError, match="no functions exist: deploy"):
        find_function([], "x", DEFAULT_STACK)


RESOURCES = {
    "stepline": {
        "Deploy": ("AWS::CloudFormation::Stack", "arn:aws:cloudformation:r:a:stack/stepline-Deploy-1/i")
    },
    "arn:aws:cloudformation:r:a:stack/stepline-Deploy-1/i": {
        "CreateStackFunction": ("AWS::Lambda::Function", "stepline-create-stack")
    },
    "orders": {
        "CreateStackFunction": ("AWS::Lambda::Function", "orders-CreateStack-1"),
        "Pay": ("AWS::Lambda::Function", "orders-Pay-1"),
        "Table": ("AWS::DynamoDB::Table", "orders-Table-1"),
    },
}


class Stacks:
    """A target with functions in the nested stack of `stepline`, in `orders`, and in no stack."""

    def __init__(self, *, is_local: bool) -> None:
        self.read: list[str] = []
        names = ["stepline-create-stack", "orders-CreateStack-1", "orders-Pay-1", "lonely"]
        stacks = [
            {"StackName": "stepline"},
            {"StackName": "stepline-Deploy-1", "ParentId": "arn"},
            {"StackName": "orders"},
        ]
        self.target = target_of(
            is_local=is_local,
            lambda_=Answers({"list_functions": {"Functions": [{"FunctionName": name} for name in names]}}),
            cloudformation=Answers(
                {"list_stack_resources": self.list_resources, "describe_stacks": {"Stacks": stacks}}
            ),
        )

    def list_resources(self, params: dict[str, Any]) -> Any:
        self.read.append(params["StackName"])
        if params["StackName"] not in RESOURCES:
            return client_error("ValidationError", "ListStackResources", "it does not exist")
        return {
            "StackResourceSummaries": [
                {"LogicalResourceId": logical_id, "ResourceType": kind, "PhysicalResourceId": name}
                for logical_id, (kind, name) in RESOURCES[params["StackName"]].items()
            ]
        }


@pytest.mark.parametrize("is_local", [True, False])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CreateStackFunction", "stepline-create-stack"),
        ("create-stack", "stepline-create-stack"),
        ("stepline/CreateStackFunction", "stepline-create-stack"),
        ("stepline-Deploy-1/CreateStackFunction", "stepline-create-stack"),
        ("orders/CreateStackFunction", "orders-CreateStack-1"),
        ("orders/create-stack", "orders-CreateStack-1"),
        ("Pay", "orders-Pay-1"),
        ("lonely", "lonely"),
    ],
)
def test_function_of_any_stack_is_found(text: str, name: str, is_local: bool) -> None:
    assert resolve_function(Stacks(is_local=is_local).target, text, DEFAULT_STACK).name == name


def test_chosen_stack_comes_first() -> None:
    assert resolve_function(Stacks(is_local=True).target, "create-stack", "orders").stack == "orders"


def test_other_stacks_of_an_account_are_read_only_if_needed() -> None:
    stacks = Stacks(is_local=False)
    resolve_function(stacks.target, "CreateStackFunction", DEFAULT_STACK)
    assert "orders" not in stacks.read


def test_functions_of_other_stacks_are_listed_with_their_stack() -> None:
    functions = list_functions(Stacks(is_local=True).target, DEFAULT_STACK, all_stacks=True)
    assert [each.listed_name(DEFAULT_STACK) for each in functions] == [
        "lonely",
        "orders/create-stack",
        "orders/pay",
        "create-stack",
    ]

"""Lambda functions by name, logical id and parts of them."""

from __future__ import annotations

import pytest

from stepline.aws.functions import Function, find_function
from stepline.core.errors import UsageError
from tests.aws.fakes import FUNCTIONS


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
        ("unrelated", None),
        ("relat", None),
    ],
)
def test_function_is_found(text: str, logical_id: str | None) -> None:
    assert find_function(FUNCTIONS, text).logical_id == logical_id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("create", "'create' matches several functions: create-change-set, create-stack"),
        ("nothing", "function 'nothing' does not exist; the functions are: create-change-set,"),
        ("---", "function '---' does not exist"),
    ],
)
def test_unknown_or_ambiguous_function_is_rejected(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_function(FUNCTIONS, text)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_is_found_by_its_short_name(function: Function) -> None:
    assert find_function(FUNCTIONS, function.short_name) == function


def test_short_names_are_those_of_the_documentation() -> None:
    assert [function.short_name for function in FUNCTIONS] == [
        "create-change-set",
        "create-stack",
        "trigger",
        "unrelated",
    ]


def test_missing_functions_are_reported() -> None:
    with pytest.raises(UsageError, match="no functions exist: deploy"):
        find_function([], "x")

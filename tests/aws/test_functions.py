"""Lambda functions by name, logical id and parts of them."""

from __future__ import annotations

import pytest

from stepline.aws.functions import find_function
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
        ("create", "'create' matches several functions: CreateChangeSetFunction, CreateStackFunction"),
        ("nothing", "function 'nothing' does not exist; the functions are: CreateChangeSetFunction,"),
        ("---", "function '---' does not exist"),
    ],
)
def test_unknown_or_ambiguous_function_is_rejected(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_function(FUNCTIONS, text)


def test_missing_functions_are_reported() -> None:
    with pytest.raises(UsageError, match="no functions exist: deploy"):
        find_function([], "x")

"""The fake Lambda client that runs handlers in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.in_process_functions import InProcessFunctions, LambdaContext, function_name


class NoStackError(Exception):
    """The stack does not exist."""


def handler(event: Any, context: LambdaContext) -> Any:
    if event == "fail":
        raise NoStackError("no stack")
    return {"event": event, "name": context.function_name, "arn": context.invoked_function_arn}


def test_response_of_an_invocation_is_that_of_lambda() -> None:
    functions = InProcessFunctions({"f": handler})
    response = functions.invoke(FunctionName=functions.arn("f"), Payload=b'{"a": 1}')
    assert response["StatusCode"] == 200
    assert "FunctionError" not in response
    assert json.load(response["Payload"]) == {
        "event": {"a": 1},
        "name": "f",
        "arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
    }
    assert functions.invocations == [("f", {"a": 1})]


def test_exception_becomes_an_error_document() -> None:
    response = InProcessFunctions({"f": handler}).invoke(FunctionName="f", Payload='"fail"')
    document = json.load(response["Payload"])
    assert response["FunctionError"] == "Unhandled"
    assert (document["errorType"], document["errorMessage"]) == ("NoStackError", "no stack")
    assert document["requestId"]
    assert len(document["stackTrace"]) == 1


def test_asynchronous_invocation_returns_no_result() -> None:
    response = InProcessFunctions({"f": handler}).invoke(
        FunctionName="f", Payload='"fail"', InvocationType="Event"
    )
    assert response["StatusCode"] == 202
    assert response["Payload"].read() == b""
    assert "FunctionError" not in response


def test_unknown_function_is_refused() -> None:
    with pytest.raises(ClientError, match="Function not found: arn:aws:lambda") as caught:
        InProcessFunctions({}).invoke(FunctionName="f")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "name",
    [
        "f",
        "f:alias",
        "000000000000:function:f",
        "arn:aws:lambda:us-east-1:000000000000:function:f",
        "arn:aws:lambda:us-east-1:000000000000:function:f:1",
    ],
)
def test_function_name_is_parsed_from_name_or_arn(name: str) -> None:
    assert function_name(name) == "f"

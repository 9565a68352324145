"""Reads the environment variables of deployed functions, in the form of `sam local invoke --env-vars`.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-using-invoke.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from stepline.aws.stack_functions import StackFunction, list_stack_functions, list_stacks_with_functions
from stepline.core.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from stepline.aws.target import Target

CONTAINER_HOST: Final = "host.docker.internal"
"""The name of this machine in containers of Docker Desktop."""

_PARAMETERS: Final = "Parameters"
"""The section whose variables SAM sets for all functions that declare them."""

_ENDPOINT: Final = "AWS_ENDPOINT_URL"
_LOOPBACK: Final = ("127.0.0.1", "localhost")

Environments = dict[str, dict[str, str]]
"""A section for each logical id, and the section `Parameters`."""


@dataclass(frozen=True)
class FunctionEnvironments:
    """`left_out` are functions with the logical id of another one, for which a file has one section only."""

    sections: Environments
    left_out: Sequence[StackFunction]


def read_environments(
    target: Target, stack_names: Sequence[str], *, default_stack: str, host: str
) -> FunctionEnvironments:
    """Return the variables of the functions of the stacks and their nested stacks.

    Without `stack_names`, they are those of the default stack, and of all others of a local AWS. Addresses of
    a local AWS on the loopback interface get the name `host`. Raises UsageError if there are no functions.
    """
    functions = list(_list_functions(target, stack_names, default_stack))
    if not functions:
        known = ", ".join(stack_names or [default_stack])
        raise UsageError(f"no functions exist in stack {known}: deploy it first (locally: `stepline up`)")
    variables = _read_variables(target.client("lambda"))
    sections: Environments = {_PARAMETERS: _parameters(target, host)}
    left_out = []
    for function in functions:
        values = {
            key: _reachable(value, target, host) for key, value in variables.get(function.name, {}).items()
        }
        if sections.setdefault(function.logical_id, values) != values:
            left_out.append(function)
    return FunctionEnvironments(sections, left_out)


def _list_functions(
    target: Target, stack_names: Sequence[str], default_stack: str
) -> Iterator[StackFunction]:
    cloudformation = target.client("cloudformation")
    for stack_name in stack_names or [default_stack]:
        yield from list_stack_functions(cloudformation, stack_name)
    if not stack_names and target.is_local:
        yield from list_stacks_with_functions(cloudformation, besides=default_stack)


def _read_variables(lambda_client: LambdaClient) -> dict[str, dict[str, str]]:
    pages = lambda_client.get_paginator("list_functions").paginate()
    return {
        each["FunctionName"]: each.get("Environment", {}).get("Variables", {})
        for page in pages
        for each in page["Functions"]
    }


def _parameters(target: Target, host: str) -> dict[str, str]:
    if not target.is_local or target.endpoint_url is None:
        return {}
    return {_ENDPOINT: _reachable(target.endpoint_url, target, host)}


def _reachable(value: str, target: Target, host: str) -> str:
    """Replace addresses of the local AWS, which containers cannot reach at the loopback interface."""
    if not target.is_local or target.endpoint_url is None:
        return value
    port = urlsplit(target.endpoint_url).port
    for name in _LOOPBACK:
        value = value.replace(f"http://{name}:{port}", f"http://{host}:{port}")
    return value

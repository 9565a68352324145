"""Patches the record of a stack: its template during an update, and its status when a deletion begins."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers, stacks

_DEPLOYED = "_deployed"
_DELETED = "DELETE_COMPLETE"
_OK = 200


def store_deployed_templates() -> None:
    original = stacks._deploy_stack_async

    @functools.wraps(original)
    async def deploy(
        stack_name: str, stack_id: str, template: Any, params: Any, *args: Any, **more: Any
    ) -> None:
        stack = cloudformation._stacks[stack_name]
        stack[_DEPLOYED] = {**stack, "_template": template, "_resolved_params": params}
        try:
            await original(stack_name, stack_id, template, params, *args, **more)
        finally:
            stack.pop(_DEPLOYED, None)

    for module in (changesets, handlers, stacks):
        module._deploy_stack_async = deploy


def deployed(stack_name: str) -> Mapping[str, Any]:
    """Return the stack as it is deployed, or else as it is; empty if it does not exist."""
    stack = cloudformation._stacks.get(stack_name) or {}
    found: Mapping[str, Any] = stack.get(_DEPLOYED, stack)
    return found


def begin_deletions_at_once() -> None:
    """Set the status of a stack that is deleted before DeleteStack returns; ministack sets it later."""
    original = cloudformation._ACTION_HANDLERS["DeleteStack"]

    @functools.wraps(original)
    def delete(parameters: Mapping[str, Any]) -> Any:
        response = original(parameters)
        stack = handlers._resolve_stack(handlers._p(parameters, "StackName"))
        if response[0] == _OK and stack is not None and stack["StackStatus"] != _DELETED:
            stack["StackStatus"] = "DELETE_IN_PROGRESS"
        return response

    cloudformation._ACTION_HANDLERS["DeleteStack"] = delete


def describe_with(members: Callable[[Mapping[str, Any]], Mapping[str, str]]) -> None:
    """Let DescribeStacks return these members of a stack's record, which ministack stores only."""
    original = cloudformation._ACTION_HANDLERS["DescribeStacks"]

    @functools.wraps(original)
    def describe(parameters: Mapping[str, Any]) -> Any:
        status, headers, body = original(parameters)
        for stack in cloudformation._stacks.values():
            stack_id = f"<StackId>{stack['StackId']}</StackId>"
            more = "".join(f"<{name}>{value}</{name}>" for name, value in members(stack).items())
            body = body.replace(stack_id.encode(), f"{stack_id}{more}".encode())
        return status, headers, body

    cloudformation._ACTION_HANDLERS["DescribeStacks"] = describe

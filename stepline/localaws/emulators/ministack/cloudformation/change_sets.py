"""Patches requests that name a change set: ministack does not find it if the stack is given by its id."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers

Parameters = Mapping[str, Any]
_ACTIONS = ("CreateChangeSet", "DeleteChangeSet", "DescribeChangeSet", "ExecuteChangeSet")


def find_by_id_of_stack() -> None:
    for action in _ACTIONS:
        cloudformation._ACTION_HANDLERS[action] = _by_name(cloudformation._ACTION_HANDLERS[action])


def _by_name(original: Callable[[Parameters], Any]) -> Callable[[Parameters], Any]:
    """Replace the id of an existing stack by its name."""

    @functools.wraps(original)
    def handle(parameters: Parameters) -> Any:
        stack_id = handlers._p(parameters, "StackName")
        existing = cloudformation._stacks.values() if stack_id.startswith("arn:") else ()
        for stack in existing:
            if stack["StackId"] == stack_id:
                return original({**parameters, "StackName": [stack["StackName"]]})
        return original(parameters)

    return handle

"""Names the parameter of the pipeline's stack that grants what one of its own roles was denied."""

from __future__ import annotations

import re
from typing import Final

from statemachines.deploy.settings import PIPELINE_STACK_NAME
from stepline.core.clients import assumed_role
from stepline.core.environment import optional

_ADVICE: Final = (
    (
        re.compile(
            r"perform: (?:lambda:InvokeFunction|cloudformation:CreateChangeSet on \S+ \S+:transform/)"
        ),
        "Add the macro's function to the parameter MacroFunctionArns of the stack {stack}.",
    ),
    (
        re.compile(r"perform: sts:(?:AssumeRole|TagSession)\b"),
        "The tasks cannot assume the role of the target: add it to the parameter TargetRoleArns of the stack "
        "{stack}, and let its trust policy allow their roles, with the same external id and session tags.",
    ),
    (
        re.compile(r"perform: iam:PassRole\b"),
        "Add the role to the parameter OtherApplicationRoleArns of the stack {stack}.",
    ),
    (
        re.compile(r"perform: cloudformation:\w+ on \S+ \S+:stack/"),
        "The name of the stack does not match the parameter ApplicationStackNames of the stack {stack}, the "
        "pattern of what this pipeline may deploy.",
    ),
)


def with_advice(message: str) -> str:
    """Return the message of a denied request, after the parameter to change if there is one."""
    stack, role = optional(PIPELINE_STACK_NAME), assumed_role()
    if role and f":assumed-role/{role.name}/" in message:
        return f"The role of the target, {role.arn}, lacks a permission. {message}"
    for pattern, advice in _ADVICE:
        if stack and pattern.search(message):
            return f"{advice.format(stack=stack)} {message}"
    return message

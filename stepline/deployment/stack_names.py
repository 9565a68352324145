"""Checks names of resources that consist of the stack's name, before CloudFormation fails half-way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stepline.core.errors import UsageError
from stepline.deployment.template import read_template

_STACK_NAME: Final = "AWS::StackName"
_NESTED: Final = "AWS::Serverless::Application"
_MAX_CHARACTERS: Final = {
    ("AWS::Lambda::Function", "FunctionName"): 64,
    ("AWS::Serverless::Function", "FunctionName"): 64,
    ("AWS::Serverless::StateMachine", "Name"): 80,
    ("AWS::StepFunctions::StateMachine", "StateMachineName"): 80,
    ("AWS::IAM::Role", "RoleName"): 64,
    ("AWS::SQS::Queue", "QueueName"): 80,
}
"""[Lambda, Step Functions, IAM, SQS: quotas of names]"""


def longest_stack_name(template: Mapping[str, Any], folder: Path) -> int:
    """Return the number of characters that the stack's name may have; at most 128 [CloudFormation].

    `folder` is that of the template, whose nested templates are read.
    """
    return min([128, *(limit - len(suffix) for limit, suffix in _named(template, folder, _STACK_NAME))])


def check_stack_name(template: Mapping[str, Any], folder: Path, stack_name: str) -> None:
    """Raise UsageError if a name that consists of the stack's name would be refused by its service."""
    if len(stack_name) > (longest := longest_stack_name(template, folder)):
        raise UsageError(
            f"the stack's name {stack_name} has {len(stack_name)} characters: with this template it may have"
            f" {longest}, because names of functions and other resources consist of it"
        )


def _named(template: Mapping[str, Any], folder: Path, parameter: str) -> Iterator[tuple[int, str]]:
    """Yield the limit of each name that consists of the stack's name and fixed text, and that text.

    `parameter` has the stack's name: a nested template can get it as a parameter of its own.
    """
    for resource in template["Resources"].values():
        if resource.get("Type") == _NESTED:
            yield from _named_in_nested(resource.get("Properties", {}), folder, parameter)
        for (resource_type, key), limit in _MAX_CHARACTERS.items():
            fixed = _fixed_text(resource.get("Properties", {}).get(key), parameter)
            if resource.get("Type") == resource_type and fixed is not None:
                yield limit, fixed


def _named_in_nested(properties: Any, folder: Path, parameter: str) -> Iterator[tuple[int, str]]:
    file = folder / str(properties.get("Location"))
    if file.is_file():
        template = read_template(file)
        for name, value in properties.get("Parameters", {}).items():
            if value == {"Ref": parameter}:
                yield from _named(template, file.parent, name)


def _fixed_text(value: Any, parameter: str) -> str | None:
    """Return what a name has besides the stack's name; None if it does not consist of the stack's name."""
    if value == {"Ref": parameter}:
        return ""
    text = value.get("Fn::Sub") if isinstance(value, Mapping) else None
    if not isinstance(text, str) or re.findall(r"\$\{(.*?)\}", text) != [parameter]:
        return None
    return text.replace(f"${{{parameter}}}", "")

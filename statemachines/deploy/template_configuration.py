"""Parses CodePipeline's template configuration file: Parameters, Tags, StackPolicy.

Format: "AWS CloudFormation artifacts", CodePipeline's section of the CloudFormation User Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from statemachines.deploy.limits import MAX_STACK_POLICY_CHARACTERS, MAX_TAGS
from statemachines.deploy.ownership import RESERVED_TAG_PREFIX
from stepline.core import strict_json
from stepline.core.errors import InvalidInputError
from stepline.core.fields import Fields
from stepline.core.text import quoted


@dataclass(frozen=True)
class TemplateConfiguration:
    """`tags` is None if the file does not contain any: then the stack keeps its tags.

    `stack_policy` is JSON text, empty if there is none.
    """

    parameters: Mapping[str, str]
    tags: Mapping[str, str] | None
    stack_policy: str

    @classmethod
    def empty(cls) -> Self:
        return cls(parameters={}, tags=None, stack_policy="")

    @classmethod
    def parse(cls, text: str, path: str) -> Self:
        """Parse the file. Raise `InvalidInputError`, naming the file and the key."""
        fields = Fields(_json(text, path), f"the template configuration {quoted(path)}")
        fields.allow_only(("Parameters", "Tags", "StackPolicy"))
        return cls(parameters=fields.texts("Parameters"), tags=_tags(fields), stack_policy=_policy(fields))


def _json(text: str, path: str) -> object:
    try:
        return strict_json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"The template configuration {quoted(path)} is not JSON: {error}.") from error


def _tags(fields: Fields) -> dict[str, str] | None:
    if "Tags" not in fields:
        return None
    tags = fields.texts("Tags")
    if len(tags) > MAX_TAGS:
        raise fields.problem("Tags", f"may hold {MAX_TAGS} tags, but it has {len(tags)}")
    if reserved := [name for name in tags if name.startswith(RESERVED_TAG_PREFIX)]:
        raise fields.problem(
            f"Tags.{reserved[0]}", f"is reserved: tags may not begin with {RESERVED_TAG_PREFIX}"
        )
    if "" in tags:
        raise fields.problem("Tags", "has a tag without a name")
    for name, value in tags.items():
        if not value:  # `TagValue` has one character at least [model]
            raise fields.problem(f"Tags.{name}", "must not be empty")
    return tags


def _policy(fields: Fields) -> str:
    policy = fields.object_or_none("StackPolicy")
    if policy is None:
        return ""
    try:
        text = strict_json.canonical(policy)
    except ValueError as error:
        raise fields.problem("StackPolicy", f"cannot be sent: {error}") from error
    if len(text) > MAX_STACK_POLICY_CHARACTERS:
        raise fields.problem(
            "StackPolicy",
            f"may have {MAX_STACK_POLICY_CHARACTERS:,} characters, but it has {len(text):,}",
        )
    return text

"""Decides which stacks and roles belong to this pipeline, which uses no others.

A deployment sets the tag `stepline:deployed-by` of a stack to the name of the pipeline's own stack, which is
unique in an account and region. The tag and the role of a stack say who deploys it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from statemachines.deploy.errors import ForeignStackError
from statemachines.deploy.settings import CLOUDFORMATION_ROLE_ARN, PIPELINE_STACK_NAME
from statemachines.deploy.target import Target
from stepline.core.cloudformation.stacks import Stack
from stepline.core.environment import optional, required, texts
from stepline.core.errors import InvalidInputError

RESERVED_TAG_PREFIX: Final = "stepline:"
"""Users may not set tags that begin so."""

OWNER_TAG: Final = f"{RESERVED_TAG_PREFIX}deployed-by"
_OTHER_ROLE_ARNS: Final = "OTHER_CLOUDFORMATION_ROLE_ARNS"
_ADOPTED_STACK_NAMES: Final = "ADOPTED_STACK_NAMES"


@dataclass(frozen=True)
class Owner:
    """This pipeline: the name of its stack, the role with which it deploys by default, other roles that the
    input may name, and the stacks that it may change although it did not create them.

    In a target, it has no default role, and that account's policies decide which roles it may pass.
    """

    pipeline_stack_name: str
    default_role_arn: str
    other_role_arns: frozenset[str]
    adopted_stack_names: frozenset[str]
    target: Target | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        return cls(
            pipeline_stack_name=required(PIPELINE_STACK_NAME, environment),
            default_role_arn=optional(CLOUDFORMATION_ROLE_ARN, environment),
            other_role_arns=frozenset(texts(_OTHER_ROLE_ARNS, environment)),
            adopted_stack_names=frozenset(texts(_ADOPTED_STACK_NAMES, environment)),
        )

    def of(self, target: Target | None) -> Owner:
        """Return this pipeline in a target, or in its own account for None."""
        return replace(self, default_role_arn="", target=target) if target else self

    def check_role(self, role_arn: str) -> None:
        """Raise `InvalidInputError` if the input names a role that this pipeline may not pass."""
        if self.target is None and role_arn not in {"", self.default_role_arn, *self.other_role_arns}:
            raise InvalidInputError(
                f'"roleArn" in the input is {role_arn}, which this pipeline may not pass to CloudFormation. '
                "Add the role to the parameter OtherApplicationRoleArns of the stack "
                f"{self.pipeline_stack_name}."
            )

    def check_stack(self, stack: Stack, role_arn: str) -> None:
        """Raise `ForeignStackError` unless this pipeline deploys the stack, with the role `role_arn`.

        An empty `role_arn` means the default. A stack without the tag was deployed by this pipeline before
        it set the tag if the stack has the default role: nothing else may pass that role.
        """
        if stack.parent_id:
            raise ForeignStackError(
                f"The stack {stack.name} is nested in {stack.parent_id}, which must be deployed instead."
            )
        name = self.target.name_of(stack.name) if self.target else stack.name
        if name in self.adopted_stack_names:
            return
        if reason := self._reason(stack, role_arn or self.default_role_arn):
            raise ForeignStackError(
                f"The stack {stack.name} {reason}. Nothing was changed. Choose another environmentName or "
                f"stackName, or hand this stack over to the pipeline: add {name} to the parameter "
                f"AdoptedStackNames of the stack {self.pipeline_stack_name}."
            )

    def _reason(self, stack: Stack, role_arn: str) -> str:
        owner = stack.tags.get(OWNER_TAG)
        if owner is None and not self._has_default_role(stack):
            return f"was not created by this pipeline: it lacks the tag {OWNER_TAG}"
        if owner not in (None, self.pipeline_stack_name):
            return f"belongs to another pipeline: its tag {OWNER_TAG} is {owner}"
        if stack.role_arn != role_arn:
            return (
                f"is deployed with {_role(stack.role_arn)}, but this deployment would use {_role(role_arn)}"
            )
        return ""

    def _has_default_role(self, stack: Stack) -> bool:
        return bool(self.default_role_arn) and stack.role_arn == self.default_role_arn


def _role(arn: str) -> str:
    return f"the role {arn}" if arn else "no role"


def creation_tags(tags: Mapping[str, str] | None, pipeline_stack_name: str) -> Mapping[str, str]:
    """Return the tags of a new stack; `tags` are those of the template configuration."""
    return {**(tags or {}), OWNER_TAG: pipeline_stack_name}


def update_tags(
    tags: Mapping[str, str] | None, stack: Stack, pipeline_stack_name: str
) -> Mapping[str, str] | None:
    """Return the tags of an existing stack, or None if it keeps those that it has."""
    if tags is None and stack.tags.get(OWNER_TAG) == pipeline_stack_name:
        return None
    return {**(stack.tags if tags is None else tags), OWNER_TAG: pipeline_stack_name}

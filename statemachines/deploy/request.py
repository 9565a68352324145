"""Parses and validates the execution's input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from statemachines.approvals.setting import ApprovalRequirement
from statemachines.deploy.allowance import Allowance
from statemachines.deploy.limits import MAX_STACK_NAME_CHARACTERS
from statemachines.deploy.target import ROLE_ARN, Target
from stepline.core.errors import InvalidInputError
from stepline.core.fields import Fields
from stepline.core.large_data import refuse_reference
from stepline.core.text import quoted
from stepline.core.trigger_keys import REVISION_BUCKET, REVISION_KEY, TRIGGER_KEYS

USER_KEYS = (
    "environmentName",
    "stackName",
    "templatePath",
    "templateConfigurationPath",
    "parameters",
    "capabilities",
    "roleArn",
    "allowReplacement",
    "target",
    "approval",
)
# "A stack name can contain only alphanumeric characters (case sensitive) and hyphens. It must start
# with an alphabetical character and can't be longer than 128 characters" (CreateStack, API reference).
_STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")


class Capability(StrEnum):
    """The capabilities that a user must acknowledge for some templates.

    None is acknowledged by default: a person must decide about a template that can change permissions, or
    that runs code (a macro) before it is deployed.
    """

    IAM = "CAPABILITY_IAM"
    NAMED_IAM = "CAPABILITY_NAMED_IAM"
    AUTO_EXPAND = "CAPABILITY_AUTO_EXPAND"


@dataclass(frozen=True)
class DeployRequest:
    """The input of a deployment. `stack_name` is the full name, `<environmentName>-<stackName>`.

    `role_arn` is empty if the input contains none. `bucket` and `key` are those of the artifact. `target` is
    None for a stack in the pipeline's own account and region.
    """

    environment_name: str
    stack_name: str
    template_path: str
    template_configuration_path: str
    parameters: Mapping[str, str]
    capabilities: tuple[Capability, ...]
    role_arn: str
    allow_replacement: Allowance
    approval: ApprovalRequirement
    bucket: str
    key: str
    target: Target | None = None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Parse the input. Raise `InvalidInputError`, naming the key that is wrong."""
        fields = Fields(value, "the input")
        refuse_reference(fields)
        fields.allow_only(USER_KEYS + TRIGGER_KEYS)
        target = find_target(fields)
        return cls(
            environment_name=fields.text("environmentName"),
            stack_name=_stack_name(fields),
            template_path=fields.text("templatePath"),
            template_configuration_path=fields.text_or_empty("templateConfigurationPath"),
            parameters=fields.texts("parameters"),
            capabilities=_capabilities(fields),
            role_arn=_role_arn(fields, target),
            allow_replacement=Allowance.parse(fields),
            approval=ApprovalRequirement.parse(fields, "approval"),
            bucket=_artifact(fields, REVISION_BUCKET),
            key=_artifact(fields, REVISION_KEY),
            target=target,
        )

    def role_or(self, default_role_arn: str) -> str:
        """Return the role with which CloudFormation deploys; blank if it uses the permissions of its caller.

        The pipeline's default is a role of its own account, and of no other.
        """
        return self.role_arn or ("" if self.target else default_role_arn)


def find_target(fields: Fields) -> Target | None:
    return Target.parse(fields.section("target")) if "target" in fields else None


def _stack_name(fields: Fields) -> str:
    name = f"{fields.text('environmentName')}-{fields.text('stackName')}"
    if not _STACK_NAME.fullmatch(name) or len(name) > MAX_STACK_NAME_CHARACTERS:
        raise InvalidInputError(
            f'"environmentName" and "stackName" make the stack name {quoted(name, 160)}, which '
            "CloudFormation does not accept: a letter first, then letters, digits and hyphens, "
            f"at most {MAX_STACK_NAME_CHARACTERS} characters."
        )
    return name


def _capabilities(fields: Fields) -> tuple[Capability, ...]:
    names = fields.text_list("capabilities")
    try:
        return tuple(Capability(name) for name in dict.fromkeys(names))
    except ValueError as error:
        known = ", ".join(Capability)
        wrong = next(name for name in names if name not in set(Capability))
        raise InvalidInputError(
            f'"capabilities" in the input has the unknown value {quoted(wrong)}; known are {known}.'
        ) from error


def _role_arn(fields: Fields, target: Target | None) -> str:
    arn = fields.text_or_empty("roleArn")
    if arn and not ROLE_ARN.fullmatch(arn):
        raise fields.wrong("roleArn", "must be the ARN of an IAM role", arn)
    if arn and target and not target.owns_role(arn):
        raise fields.wrong("roleArn", f"must be a role of the target's account {target.account}", arn)
    return arn


def _artifact(fields: Fields, name: str) -> str:
    if name not in fields:
        raise InvalidInputError(
            f'The input lacks "{name}", the location of the artifact: '
            "the pipeline action needs an input artifact."
        )
    return fields.text(name)

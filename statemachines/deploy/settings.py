"""Settings of the tasks, read from their environment. `SettingsError` names the variable.

POLL_SECONDS             seconds between two requests for the status of a stack or change set, 1 to 300
MAX_WAIT_MINUTES         maximum duration of one wait loop in minutes, 1 to 480; 120 if not set
TEMPLATE_BUCKET          bucket in which a template too large for a request is stored during the call
CLOUDFORMATION_ROLE_ARN  role with which CloudFormation deploys; if not set, it uses the task's permissions
PIPELINE_STACK_NAME      name of the pipeline's own stack, the owner of the stacks that it deploys
OTHER_CLOUDFORMATION_ROLE_ARNS, ADOPTED_STACK_NAMES
                         other roles that the input may name, and stacks of others that may be changed
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from statemachines.deploy.limits import DEFAULT_MAX_WAIT_MINUTES, MAX_POLL_SECONDS, MAX_WAIT_MINUTES_LIMIT
from stepline.core.environment import number, optional, required

CLOUDFORMATION_ROLE_ARN = "CLOUDFORMATION_ROLE_ARN"
PIPELINE_STACK_NAME = "PIPELINE_STACK_NAME"


@dataclass(frozen=True)
class WaitSettings:
    """The wait loops poll every `poll_seconds` at first, for at most `max_wait_minutes`."""

    poll_seconds: int
    max_wait_minutes: int

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        maximum, default = MAX_WAIT_MINUTES_LIMIT, DEFAULT_MAX_WAIT_MINUTES
        return cls(
            poll_seconds=number("POLL_SECONDS", MAX_POLL_SECONDS, environment),
            max_wait_minutes=number("MAX_WAIT_MINUTES", maximum, environment, default=default),
        )


@dataclass(frozen=True)
class TemplateSettings:
    """Settings of the tasks that pass a template to CloudFormation. `role_arn` is empty if it is not set."""

    bucket: str
    role_arn: str
    pipeline_stack_name: str

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        return cls(
            bucket=required("TEMPLATE_BUCKET", environment),
            role_arn=optional(CLOUDFORMATION_ROLE_ARN, environment),
            pipeline_stack_name=required(PIPELINE_STACK_NAME, environment),
        )

"""A deployment, as the tasks need it that create or delete something."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from statemachines.deploy.attempt import DeploymentAttempt
from statemachines.deploy.pipeline_order import PipelineAction
from statemachines.deploy.request import DeployRequest
from stepline.core.fields import Fields


@dataclass(frozen=True)
class Deployment:
    request: DeployRequest
    attempt: DeploymentAttempt
    stack_id: str = ""  # the ARN of an existing stack
    action: PipelineAction | None = None  # which started the execution, if it is known

    @classmethod
    def parse(cls, event: Fields) -> Self:
        """Parse the members `request` and `execution` of an event."""
        return cls(
            DeployRequest.parse(event.value("request")),
            DeploymentAttempt.parse(event),
            action=PipelineAction.parse(event),
        )

    @classmethod
    def parse_with_stack(cls, event: Fields) -> Self:
        """Parse `{"request": …, "execution": …, "stack": {"id": …}}`."""
        return replace(cls.parse(event), stack_id=event.section("stack").text("id"))

"""What the tasks are told that make a request for a stack that is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from statemachines.deploy.names import Execution
from statemachines.deploy.request import DeployRequest
from statemachines.fields import Fields


@dataclass(frozen=True)
class StackTask:
    """`{"request": …, "execution": …, "stack": {"id": …}}`."""

    request: DeployRequest
    execution: Execution
    stack_id: str

    @classmethod
    def parse(cls, event: Fields) -> Self:
        return cls(
            request=DeployRequest.parse(event.value("request")),
            execution=Execution.parse(event.section("execution")),
            stack_id=event.section("stack").text("id"),
        )

"""Refuses to change a stack for an action of a pipeline that is no longer in progress.

CodePipeline may end an action while its execution goes on: it is abandoned, it reaches its limit, its answer
is lost. A newer pipeline execution may then deploy, and the older revision must not come after it. An action
that is in progress occupies its stage, so that no newer one has passed it, unless executions run in PARALLEL
mode.

IAM: codepipeline:ListActionExecutions on the pipelines whose actions start the state machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from statemachines.deploy.errors import StalePipelineExecutionError
from stepline.core import clients
from stepline.core.action_executions import IN_PROGRESS, list_action_executions
from stepline.core.fields import Fields
from stepline.core.trigger_keys import CODEPIPELINE

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

_NAMES: Final = ("pipelineName", "pipelineExecutionId", "stage", "action")


@dataclass(frozen=True)
class PipelineAction:
    """The action that has started the execution, in one pipeline execution."""

    pipeline: str
    pipeline_execution_id: str
    stage: str
    action: str

    @classmethod
    def parse(cls, event: Fields) -> Self | None:
        """Return None unless the input in the member `request` of an event names all of it."""
        request = event.value("request") if "request" in event else None
        known = request.get(CODEPIPELINE) if isinstance(request, Mapping) else None
        values = [known.get(name) for name in _NAMES] if isinstance(known, Mapping) else []
        texts = [value for value in values if isinstance(value, str) and value]
        return cls(*texts) if len(texts) == len(_NAMES) else None

    def check(self, codepipeline: CodePipelineClient) -> None:
        """Raise `StalePipelineExecutionError` if the action is listed, and not as in progress.

        The order is not known of a pipeline that was deleted, or is in another account or region.
        A retry of the stage is another execution of the action, of the same revision.
        """
        statuses = self._statuses(codepipeline)
        if statuses and IN_PROGRESS not in statuses:
            raise StalePipelineExecutionError(
                f"The action {self.action} of pipeline {self.pipeline} has already ended ({statuses[0]}) in "
                f"the pipeline execution {self.pipeline_execution_id}. A newer revision may have been "
                "deployed meanwhile, so this one is not deployed. To deploy it, run the pipeline again."
            )

    def _statuses(self, codepipeline: CodePipelineClient) -> list[str]:
        """Return the statuses of the executions of the action, the latest first; none if it is not known."""
        found = list_action_executions(
            codepipeline,
            pipeline=self.pipeline,
            execution_id=self.pipeline_execution_id,
            stage=self.stage,
            action=self.action,
        )
        return [item["status"] for item in found]


def check_pipeline_order(action: PipelineAction | None) -> None:
    """Check the action if it is known; call this right before a stack is changed."""
    if action is not None:
        action.check(clients.codepipeline())

"""Starts the pipelines whose sources have changed: by polling, by connections and by triggers.

https://docs.aws.amazon.com/codepipeline/latest/userguide/change-detection-methods.html. A source that is
polled starts the pipeline when it changes, not up to a minute later. A pipeline that polls and has a rule on
the event bus, too, is started twice, as on AWS.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from stepline.localaws.codepipeline import triggers
from stepline.localaws.codepipeline.action_type_registry import ActionTypes
from stepline.localaws.codepipeline.declarations import ActionDeclaration, PipelineDeclaration
from stepline.localaws.codepipeline.execution_requests import ExecutionRequests, StartRequest
from stepline.localaws.codepipeline.models import Trigger, TriggerType
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.source_changes import SourceChange, SourceKind
from stepline.localaws.codepipeline.sources import BRANCH_NAME, COMMIT_ID
from stepline.localaws.codepipeline.store import PipelineStore
from stepline.localaws.protocol import AwsError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PipelineStart:
    pipeline_name: str
    request: StartRequest


class ChangeDetection:
    def __init__(
        self, runtime: Runtime, store: PipelineStore, requests: ExecutionRequests, types: ActionTypes
    ) -> None:
        self._runtime = runtime
        self._store = store
        self._requests = requests
        self._types = types

    def changed(self, change: SourceChange) -> list[str]:
        """Start the pipelines with that source, and return their names."""
        return [start.pipeline_name for start in self.starts(change) if self._start(start)]

    def starts(self, change: SourceChange) -> list[PipelineStart]:
        """Return which pipelines are to be started, and how."""
        with self._runtime.transaction():
            pipelines = self._store.all()
            return [start for item in pipelines for start in _starts(item.declaration, change, self._types)]

    def _start(self, start: PipelineStart) -> bool:
        try:
            self._requests.start(start.pipeline_name, start.request)
        except AwsError as error:  # a variable without a value, or too many executions
            _log.warning("pipeline %s was not started: %s", start.pipeline_name, error.message)
            return False
        return True


def _starts(
    declaration: PipelineDeclaration, change: SourceChange, types: ActionTypes
) -> list[PipelineStart]:
    configurations = triggers.git_configurations(declaration)
    found: list[PipelineStart] = []
    for action in declaration.stages[0].actions:
        definition = types.definition(action.type)
        if not definition.reads(action.configuration, change):
            continue
        trigger = configurations.get(action.name)
        if trigger is not None and triggers.has_filters(trigger):
            if triggers.starts(trigger, change):
                found.append(PipelineStart(declaration.name, _exact(action, change)))
        elif definition.detects(action.configuration, change):
            found.append(PipelineStart(declaration.name, StartRequest(trigger=_trigger(action, change))))
    return found


def _exact(action: ActionDeclaration, change: SourceChange) -> StartRequest:
    """Return the request for the commit, and the branch, that was pushed."""
    revision = {COMMIT_ID: change.commit_id}
    if not change.is_tag:
        revision[BRANCH_NAME] = change.reference
    return StartRequest(trigger=_trigger(action, change), overrides={action.name: revision})


def _trigger(action: ActionDeclaration, change: SourceChange) -> Trigger:
    connection = action.configuration.get("ConnectionArn")
    if change.kind is SourceKind.CONNECTED and connection:
        return Trigger(type=TriggerType.WEBHOOK_V2, detail=connection)
    return Trigger(type=TriggerType.POLL_FOR_SOURCE_CHANGES, detail=action.name)

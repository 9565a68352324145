"""Stores the pipelines: create, read, list, update, delete, tag."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from stepline.localaws.codepipeline.action_type_registry import ActionTypes
from stepline.localaws.codepipeline.declarations import PipelineDeclaration
from stepline.localaws.codepipeline.errors import (
    InvalidArnException,
    PipelineExecutionNotFoundException,
    PipelineNameInUseException,
    PipelineNotFoundException,
    PipelineVersionNotFoundException,
    ResourceNotFoundException,
)
from stepline.localaws.codepipeline.models import Pipeline, PipelineExecution, StageState
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.validation import check_pipeline, check_tags

_ARN_PARTS = 6


class PipelineStore:
    """Call every method inside a transaction."""

    def __init__(self, runtime: Runtime, *, types: ActionTypes) -> None:
        self._runtime = runtime
        self._types = types
        self._pipelines: dict[str, Pipeline] = {}

    def all(self) -> list[Pipeline]:
        return sorted(self._pipelines.values(), key=lambda pipeline: pipeline.name)

    def get(self, name: str) -> Pipeline:
        """Raises PipelineNotFoundException."""
        pipeline = self._pipelines.get(name)
        if pipeline is None:
            raise PipelineNotFoundException(
                f"The account with id '{self._runtime.account_id}' does not include a pipeline with the name "
                f"'{name}'",
            )
        return pipeline

    def version(self, name: str, number: int | None) -> PipelineDeclaration:
        """Return the current version if `number` is None. Raises PipelineVersionNotFoundException."""
        pipeline = self.get(name)
        if number is None:
            return pipeline.declaration
        found = next((item for item in pipeline.versions if item.version == number), None)
        if found is None:
            raise PipelineVersionNotFoundException(
                f"The pipeline '{name}' does not have a version {number}",
            )
        return found

    def execution(self, pipeline_name: str, execution_id: str) -> PipelineExecution:
        """Raises PipelineNotFoundException, PipelineExecutionNotFoundException."""
        execution = self.get(pipeline_name).executions.get(execution_id)
        if execution is None:
            raise PipelineExecutionNotFoundException(
                f"The pipeline '{pipeline_name}' does not have an execution with the id '{execution_id}'",
            )
        return execution

    def create(self, document: Mapping[str, Any], tags: Mapping[str, str]) -> Pipeline:
        name = document["name"]
        if name in self._pipelines:
            raise PipelineNameInUseException(f"A pipeline with name '{name}' already exists")
        check_tags(tags)
        declaration = self._declaration(document, version=1)
        now = self._runtime.now()
        pipeline = Pipeline(
            arn=self._runtime.arn(name),
            created=now,
            updated=now,
            versions=deque([declaration], maxlen=self._runtime.settings.kept_versions),
            tags=dict(tags),
        )
        self._pipelines[name] = pipeline
        return pipeline

    def update(self, document: Mapping[str, Any]) -> Pipeline:
        """Add a version. The flow cancels the executions of earlier ones."""
        pipeline = self.get(document["name"])
        document = self._types.with_kept_secrets(document, pipeline.declaration)
        declaration = self._declaration(document, version=pipeline.declaration.version + 1)
        pipeline.versions.append(declaration)
        pipeline.updated = self._runtime.now()
        _drop_removed_stages(pipeline)
        return pipeline

    def delete(self, name: str) -> Pipeline | None:
        """Remove the pipeline and return it; None if it does not exist."""
        return self._pipelines.pop(name, None)

    def name_in(self, arn: str) -> str:
        """Return what the ARN names in this account and region. Raises InvalidArnException."""
        parts = arn.split(":", _ARN_PARTS - 1)
        if len(parts) != _ARN_PARTS or parts[3:5] != [self._runtime.region, self._runtime.account_id]:
            raise InvalidArnException(f"Invalid resource ARN: {arn}")
        return parts[5]

    def by_arn(self, arn: str) -> Pipeline:
        """Raises ResourceNotFoundException, InvalidArnException."""
        pipeline = self._pipelines.get(self.name_in(arn))
        if pipeline is None:
            raise ResourceNotFoundException(f"The resource {arn} was not found")
        return pipeline

    def _declaration(self, document: Mapping[str, Any], *, version: int) -> PipelineDeclaration:
        declaration = PipelineDeclaration.parse(
            document, version=version, shown=self._types.without_secrets(document)
        )
        check_pipeline(declaration, region=self._runtime.region, types=self._types)
        return declaration


def _drop_removed_stages(pipeline: Pipeline) -> None:
    """Drop the state of stages and actions that the new version does not declare."""
    actions = {(stage.name, action.name) for stage in pipeline.declaration.stages for action in stage.actions}
    stages = {stage.name for stage in pipeline.declaration.stages}
    for key in set(pipeline.latest_actions) - actions:
        del pipeline.latest_actions[key]
    for name in set(pipeline.stage_states) - stages:
        if _is_idle(pipeline.stage_states[name]):
            del pipeline.stage_states[name]


def _is_idle(state: StageState) -> bool:
    return state.occupant is None and not state.inbound

"""The pipelines: created, updated, deleted, tagged, found."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Mapping
from typing import Any

from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.errors import (
    InvalidArnException,
    InvalidTagsException,
    PipelineExecutionNotFoundException,
    PipelineNameInUseException,
    PipelineNotFoundException,
    PipelineVersionNotFoundException,
    ResourceNotFoundException,
    TooManyTagsException,
)
from stepline.localaws.codepipeline.flow import Flow
from stepline.localaws.codepipeline.models import PipelineDeclaration
from stepline.localaws.codepipeline.settings import MAX_TAGS
from stepline.localaws.codepipeline.state import Gate, Pipeline, PipelineExecution
from stepline.localaws.codepipeline.validation import validate

_ARN_PARTS = 6


class Registry:
    """Every method runs inside a transaction."""

    def __init__(self, core: Core, flow: Flow, *, source_providers: Container[str]) -> None:
        self._core = core
        self._flow = flow
        self._source_providers = source_providers
        self._pipelines: dict[str, Pipeline] = {}

    def all(self) -> list[Pipeline]:
        return sorted(self._pipelines.values(), key=lambda pipeline: pipeline.name)

    def get(self, name: str) -> Pipeline:
        """Raises PipelineNotFoundException."""
        pipeline = self._pipelines.get(name)
        if pipeline is None:
            raise PipelineNotFoundException(
                f"The account with id '{self._core.account_id}' does not include a pipeline with the name "
                f"'{name}'",
            )
        return pipeline

    def version(self, name: str, number: int | None) -> PipelineDeclaration:
        pipeline = self.get(name)
        found = next((item for item in pipeline.versions if item.version == number), None)
        if number is None:
            return pipeline.declaration
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
        _check_tags(tags)
        declaration = self._declare(document, version=1)
        now = self._core.now()
        pipeline = Pipeline(
            arn=self._core.arn(name),
            created=now,
            updated=now,
            versions=deque([declaration], maxlen=self._core.settings.kept_versions),
            tags=dict(tags),
        )
        self._pipelines[name] = pipeline
        return pipeline

    def update(self, document: Mapping[str, Any]) -> Pipeline:
        """A new version. Executions in progress go on with theirs."""
        pipeline = self.get(document["name"])
        declaration = self._declare(document, version=pipeline.declaration.version + 1)
        pipeline.versions.append(declaration)
        pipeline.updated = self._core.now()
        _drop_removed(pipeline)
        return pipeline

    def delete(self, name: str) -> None:
        if pipeline := self._pipelines.pop(name, None):
            self._flow.discard(pipeline)

    def by_arn(self, arn: str) -> Pipeline:
        """Raises ResourceNotFoundException, InvalidArnException."""
        parts = arn.split(":", _ARN_PARTS - 1)
        if len(parts) != _ARN_PARTS or parts[3:5] != [self._core.region, self._core.account_id]:
            raise InvalidArnException(f"Invalid resource ARN: {arn}")
        pipeline = self._pipelines.get(parts[5])
        if pipeline is None:
            raise ResourceNotFoundException(f"The resource {arn} was not found")
        return pipeline

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        pipeline = self.by_arn(arn)
        _check_tags({**pipeline.tags, **tags})
        pipeline.tags.update(tags)

    def untag(self, arn: str, keys: list[str]) -> None:
        pipeline = self.by_arn(arn)
        for key in keys:
            pipeline.tags.pop(key, None)

    def _declare(self, document: Mapping[str, Any], *, version: int) -> PipelineDeclaration:
        declaration = PipelineDeclaration.of(document, version=version)
        validate(declaration, region=self._core.region, source_providers=self._source_providers)
        return declaration


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise TooManyTagsException(f"A pipeline can have at most {MAX_TAGS} tags")
    if any(key.lower().startswith("aws:") for key in tags):
        raise InvalidTagsException("Tag keys that begin with 'aws:' are reserved")


def _drop_removed(pipeline: Pipeline) -> None:
    """Forget the state of stages and actions that the new version does not have."""
    actions = {(stage.name, action.name) for stage in pipeline.declaration.stages for action in stage.actions}
    stages = {stage.name for stage in pipeline.declaration.stages}
    for key in set(pipeline.latest_actions) - actions:
        del pipeline.latest_actions[key]
    for name in set(pipeline.gates) - stages:
        if _is_idle(pipeline.gates[name]):
            del pipeline.gates[name]


def _is_idle(gate: Gate) -> bool:
    return gate.occupant is None and not gate.inbound

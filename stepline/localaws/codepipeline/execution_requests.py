"""Starts, stops and retries executions, and enables and disables transitions, if the request is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepline.localaws.codepipeline.action_type_registry import ActionTypes
from stepline.localaws.codepipeline.declarations import ExecutionMode, PipelineDeclaration
from stepline.localaws.codepipeline.errors import (
    ConcurrentPipelineExecutionsLimitExceededException,
    ConflictException,
    DuplicatedStopRequestException,
    NotLatestPipelineExecutionException,
    PipelineExecutionNotStoppableException,
    StageNotFoundException,
    StageNotRetryableException,
)
from stepline.localaws.codepipeline.execution_flow import ExecutionFlow
from stepline.localaws.codepipeline.models import (
    Pipeline,
    PipelineExecution,
    RetryMode,
    StageExecution,
    StageState,
    StageStatus,
    StopRequest,
    Trigger,
)
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.settings import MAX_CONCURRENT_EXECUTIONS
from stepline.localaws.codepipeline.store import PipelineStore
from stepline.localaws.protocol import AwsError, ValidationException

_INBOUND = "Inbound"
_OBJECT_KEY = "S3_OBJECT_KEY"
_ALLOW_OBJECT_KEY = "AllowOverrideForS3ObjectKey"

Overrides = Mapping[str, Mapping[str, str]]
"""Source action name -> revision type -> value."""


@dataclass(frozen=True, kw_only=True)
class StartRequest:
    """`variables` and `overrides` apply to this execution only."""

    trigger: Trigger
    variables: Mapping[str, str] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)
    client_request_token: str | None = None


class ExecutionRequests:
    def __init__(
        self, runtime: Runtime, flow: ExecutionFlow, store: PipelineStore, types: ActionTypes
    ) -> None:
        self._runtime = runtime
        self._flow = flow
        self._store = store
        self._types = types

    def start(self, pipeline_name: str, request: StartRequest) -> str:
        """Return the id of a new execution, or of the one that the same clientRequestToken started."""
        with self._runtime.transaction():
            pipeline = self._store.get(pipeline_name)
            if earlier := _started_with(pipeline, request.client_request_token):
                return earlier.id
            _check_capacity(pipeline)
            _check_overrides(pipeline.declaration, request.overrides, self._types)
            now = self._runtime.now()
            execution = PipelineExecution(
                id=self._runtime.new_id(),
                pipeline=pipeline,
                declaration=pipeline.declaration,
                trigger=request.trigger,
                started_at=now,
                updated_at=now,
                variables=_variables(pipeline.declaration, request.variables),
                overrides=request.overrides,
                client_request_token=request.client_request_token,
            )
            self._flow.start(execution)
            return execution.id

    def stop(self, pipeline_name: str, execution_id: str, request: StopRequest) -> None:
        with self._runtime.transaction():
            execution = self._store.get(pipeline_name).executions.get(execution_id)
            if execution is None or execution.status.is_final:
                raise PipelineExecutionNotStoppableException(
                    f"Unable to stop the pipeline execution '{execution_id}'. It might already be in a "
                    "Stopped state, or it might no longer be in progress.",
                )
            if execution.stop is not None and (execution.stop.abandon or not request.abandon):
                raise DuplicatedStopRequestException(
                    f"The pipeline execution '{execution_id}' is already in a Stopping state.",
                )
            execution.stop = request
            self._flow.stop(execution)

    def retry(self, pipeline_name: str, stage_name: str, execution_id: str, mode: RetryMode) -> None:
        with self._runtime.transaction():
            pipeline = self._store.get(pipeline_name)
            _check_stage(pipeline, stage_name)
            execution = pipeline.executions.get(execution_id)
            stage = execution.stages.get(stage_name) if execution else None
            if execution is None or stage is None:
                raise _not_retryable(f"the execution '{execution_id}' has not been in the stage")
            _check_retry(execution, stage)
            self._flow.retry(execution, stage, mode)

    def enable_transition(self, pipeline_name: str, stage_name: str, direction: str) -> None:
        with self._runtime.transaction():
            pipeline = self._store.get(pipeline_name)
            if name := _transition(pipeline, stage_name, direction):
                self._set_transition(pipeline.stage_state(name), enabled=True, reason=None)
                self._flow.admit(pipeline, name)

    def disable_transition(self, pipeline_name: str, stage_name: str, direction: str, reason: str) -> None:
        """Make executions wait before the stage until the transition is enabled again."""
        with self._runtime.transaction():
            pipeline = self._store.get(pipeline_name)
            if name := _transition(pipeline, stage_name, direction):
                self._set_transition(pipeline.stage_state(name), enabled=False, reason=reason)

    def _set_transition(self, state: StageState, *, enabled: bool, reason: str | None) -> None:
        state.enabled = enabled
        state.disabled_reason = reason
        state.changed_by = self._runtime.caller_arn
        state.changed_at = self._runtime.now()


def _started_with(pipeline: Pipeline, token: str | None) -> PipelineExecution | None:
    if token is None:
        return None
    executions = pipeline.executions.values()
    return next((item for item in executions if item.client_request_token == token), None)


def _check_capacity(pipeline: Pipeline) -> None:
    limited = pipeline.declaration.mode is not ExecutionMode.SUPERSEDED
    if limited and len(pipeline.in_progress()) >= MAX_CONCURRENT_EXECUTIONS:
        raise ConcurrentPipelineExecutionsLimitExceededException(
            f"The pipeline '{pipeline.name}' has {MAX_CONCURRENT_EXECUTIONS} executions in progress, "
            f"the limit in mode {pipeline.declaration.mode}.",
        )


def _check_overrides(declaration: PipelineDeclaration, overrides: Overrides, types: ActionTypes) -> None:
    sources = {action.name: action for action in declaration.stages[0].actions}
    for name, revisions in overrides.items():
        if name not in sources:
            raise ValidationException(f"The pipeline has no source action '{name}' to override")
        action = sources[name]
        for revision_type in revisions:
            if revision_type not in types.definition(action.type).revision_types:
                raise ValidationException(
                    f"Source action '{name}' of {action.type.provider} does not take {revision_type}"
                )
        if _OBJECT_KEY in revisions and action.configuration.get(_ALLOW_OBJECT_KEY) != "true":
            raise ValidationException(f"Source action '{name}' does not set {_ALLOW_OBJECT_KEY} to true")


def _variables(declaration: PipelineDeclaration, given: Mapping[str, str]) -> dict[str, str]:
    if unknown := sorted(set(given) - set(declaration.variables)):
        raise ValidationException(f"The pipeline does not declare a variable '{unknown[0]}'")
    values = {name: given.get(name, default) for name, default in declaration.variables.items()}
    if missing := sorted(name for name, value in values.items() if value is None):
        raise ValidationException(
            f"The pipeline variable '{missing[0]}' has no default value, and none was given"
        )
    return {name: value for name, value in values.items() if value is not None}


def _check_stage(pipeline: Pipeline, stage_name: str) -> None:
    if pipeline.declaration.stage(stage_name) is None:
        raise StageNotFoundException(
            f"The pipeline '{pipeline.name}' does not include a stage with the name '{stage_name}'",
        )


def _check_retry(execution: PipelineExecution, stage: StageExecution) -> None:
    pipeline = execution.pipeline
    parallel = execution.declaration.mode is ExecutionMode.PARALLEL
    if not parallel and pipeline.stage_state(stage.name).latest_execution is not execution:
        raise NotLatestPipelineExecutionException(
            f"The stage '{stage.name}' has a later execution than '{execution.id}'",
        )
    if execution.is_outdated:
        raise _not_retryable("the pipeline was changed since the execution started")
    if not stage.status.is_final:
        raise ConflictException("The pipeline is busy handling ongoing activities. Try again later.")
    if stage.status is StageStatus.SUCCEEDED:
        raise _not_retryable("the stage contains no failed actions")


def _not_retryable(reason: str) -> AwsError:
    return StageNotRetryableException(f"Unable to retry: {reason}.")


def _transition(pipeline: Pipeline, stage_name: str, direction: str) -> str | None:
    """Return the stage whose inbound transition this is: a stage's outbound one is the next stage's inbound.

    None for the outbound transition of the last stage.
    """
    _check_stage(pipeline, stage_name)
    return stage_name if direction == _INBOUND else pipeline.declaration.stage_after(stage_name)

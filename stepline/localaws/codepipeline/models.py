"""Executions and what belongs to them. Read and change them only inside a transaction (`runtime`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from stepline.localaws.clock import Timer
from stepline.localaws.codepipeline.declarations import (
    ActionDeclaration,
    PipelineDeclaration,
    StageDeclaration,
)
from stepline.localaws.codepipeline.results import ActionResult, CurrentRevision, ErrorDetails, Revision
from stepline.localaws.codepipeline.variables import PIPELINE_NAMESPACE, VARIABLES_NAMESPACE, Namespaces


class PipelineStatus(StrEnum):
    """CANCELLED: the pipeline was updated before the execution was complete [model]."""

    CANCELLED = "Cancelled"
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    SUCCEEDED = "Succeeded"
    SUPERSEDED = "Superseded"
    FAILED = "Failed"

    @property
    def is_final(self) -> bool:
        return self not in {PipelineStatus.IN_PROGRESS, PipelineStatus.STOPPING}


class StageStatus(StrEnum):
    CANCELLED = "Cancelled"
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"

    @property
    def is_final(self) -> bool:
        return self not in {StageStatus.IN_PROGRESS, StageStatus.STOPPING}


class ActionStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    ABANDONED = "Abandoned"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class TriggerType(StrEnum):
    CREATE_PIPELINE = "CreatePipeline"
    START_PIPELINE_EXECUTION = "StartPipelineExecution"
    CLOUD_WATCH_EVENT = "CloudWatchEvent"
    POLL_FOR_SOURCE_CHANGES = "PollForSourceChanges"
    WEBHOOK_V2 = "WebhookV2"


class RetryMode(StrEnum):
    FAILED_ACTIONS = "FAILED_ACTIONS"
    ALL_ACTIONS = "ALL_ACTIONS"


@dataclass(frozen=True, kw_only=True)
class Trigger:
    type: TriggerType
    detail: str


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A zip in the artifact store. `revision` is that of its source, None for an action's own output."""

    name: str
    bucket: str
    key: str
    revision: str | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class ActionExecution:
    """One execution of an action. `timers` are cancelled when it ends."""

    id: str
    execution: PipelineExecution
    stage: StageExecution
    declaration: ActionDeclaration
    started_at: datetime
    updated_at: datetime
    updated_by: str
    inputs: tuple[Artifact, ...]
    outputs: tuple[Artifact, ...]
    status: ActionStatus = ActionStatus.IN_PROGRESS
    resolved_configuration: Mapping[str, str] = field(default_factory=dict)
    summary: str | None = None
    percent_complete: int | None = None
    external_id: str | None = None
    external_url: str | None = None
    log_stream_arn: str | None = None
    error: ErrorDetails | None = None
    output_variables: Mapping[str, str] = field(default_factory=dict)
    current_revision: CurrentRevision | None = None
    source_revision: Revision | None = None
    approval_token: str | None = None
    timers: dict[str, Timer] = field(default_factory=dict)

    @property
    def in_progress(self) -> bool:
        return self.status is ActionStatus.IN_PROGRESS

    def set_timer(self, name: str, timer: Timer) -> None:
        """Replace the timer of that name."""
        if earlier := self.timers.pop(name, None):
            earlier.cancel()
        self.timers[name] = timer

    def report(self, result: ActionResult, now: datetime) -> None:
        """Record what the provider reports of an action that continues or ends."""
        self.updated_at = now
        self.summary = result.summary or self.summary
        self.external_id = result.external_id or self.external_id
        self.external_url = result.external_url or self.external_url
        self.log_stream_arn = result.log_stream_arn or self.log_stream_arn
        self.current_revision = result.current_revision or self.current_revision
        if result.percent_complete is not None:
            self.percent_complete = result.percent_complete

    def finish(self, result: ActionResult, now: datetime) -> None:
        """Record how the action ended. If it succeeded, later actions may use its variables and artifacts."""
        self.report(result, now)
        if result.error is not None:
            self.error = result.error
            self.end(ActionStatus.FAILED, now)
            return
        self.end(ActionStatus.SUCCEEDED, now)
        self.output_variables = result.output_variables
        self.source_revision = result.source_revision
        if self.declaration.namespace is not None:
            self.execution.namespaces[self.declaration.namespace] = result.output_variables
        revision_id = result.source_revision.id if result.source_revision else None
        for artifact in self.outputs:
            self.execution.artifacts[artifact.name] = replace(artifact, revision=revision_id)

    def end(self, status: ActionStatus, now: datetime) -> None:
        self.status = status
        self.updated_at = now
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()


@dataclass(eq=False, slots=True, kw_only=True)
class StageExecution:
    """One stage of a pipeline execution; `actions` are the latest executions of its actions, by name."""

    declaration: StageDeclaration
    status: StageStatus = StageStatus.IN_PROGRESS
    actions: dict[str, ActionExecution] = field(default_factory=dict)
    retries: int = 0
    retried_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.declaration.name

    def next_group(self) -> list[ActionDeclaration]:
        """Return the actions to start next: those of the lowest runOrder that have not been started."""
        for group in self.declaration.groups():
            if waiting := [declaration for declaration in group if declaration.name not in self.actions]:
                return waiting
        return []

    def with_status(self, status: ActionStatus) -> list[ActionExecution]:
        return [action for action in self.actions.values() if action.status is status]


@dataclass(frozen=True, kw_only=True)
class StopRequest:
    abandon: bool
    reason: str | None


@dataclass(eq=False, slots=True, kw_only=True)
class PipelineExecution:
    """One execution of a pipeline, in the version of the pipeline with which it started.

    `namespaces`: output variables of finished actions. `artifacts`: outputs of finished actions, by name.
    `overrides`: source action name -> revision type -> value (StartPipelineExecution).
    """

    id: str
    pipeline: Pipeline
    declaration: PipelineDeclaration
    trigger: Trigger
    started_at: datetime
    updated_at: datetime
    variables: Mapping[str, str]
    overrides: Mapping[str, Mapping[str, str]]
    client_request_token: str | None
    status: PipelineStatus = PipelineStatus.IN_PROGRESS
    status_summary: str | None = None
    attempt: int = 1
    retried_at: datetime | None = None
    stop: StopRequest | None = None
    stages: dict[str, StageExecution] = field(default_factory=dict)
    history: list[ActionExecution] = field(default_factory=list)
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)

    @property
    def is_outdated(self) -> bool:
        """Whether the pipeline was updated since the execution started."""
        return self.declaration.version != self.pipeline.declaration.version

    def current_stage(self) -> StageExecution | None:
        """Return the stage that it is in; None while it waits to enter one."""
        return next((stage for stage in self.stages.values() if not stage.status.is_final), None)

    def variable_namespaces(self) -> Namespaces:
        """Return what `#{namespace.name}` may refer to now."""
        return {
            **self.namespaces,
            VARIABLES_NAMESPACE: self.variables,
            PIPELINE_NAMESPACE: {"PipelineExecutionId": self.id},
        }

    def source_actions(self) -> Iterator[ActionExecution]:
        """Yield the latest execution of each source action that found a revision."""
        latest = {action.declaration.name: action for action in self.history}
        return (action for action in latest.values() if action.source_revision is not None)


@dataclass(eq=False, slots=True, kw_only=True)
class StageState:
    """A stage across all executions: its inbound transition, who is in it and who waits to enter.

    `latest` is the stage's latest execution, which may have ended.
    """

    enabled: bool = True
    changed_by: str | None = None
    changed_at: datetime | None = None
    disabled_reason: str | None = None
    occupant: PipelineExecution | None = None
    inbound: deque[PipelineExecution] = field(default_factory=deque)
    latest: StageExecution | None = None
    latest_execution: PipelineExecution | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class Pipeline:
    """A pipeline with its versions (the last is current), stage states and executions (newest last)."""

    arn: str
    created: datetime
    updated: datetime
    versions: deque[PipelineDeclaration]
    tags: dict[str, str] = field(default_factory=dict)
    stage_states: dict[str, StageState] = field(default_factory=dict)
    latest_actions: dict[tuple[str, str], ActionExecution] = field(default_factory=dict)
    executions: dict[str, PipelineExecution] = field(default_factory=dict)

    @property
    def declaration(self) -> PipelineDeclaration:
        return self.versions[-1]

    @property
    def name(self) -> str:
        return self.declaration.name

    def stage_state(self, stage_name: str) -> StageState:
        return self.stage_states.setdefault(stage_name, StageState())

    def in_progress(self) -> list[PipelineExecution]:
        return [execution for execution in self.executions.values() if not execution.status.is_final]


class JobStatus(StrEnum):
    """Queued: no worker has polled the custom job; Dispatched: no worker has acknowledged it [model]."""

    QUEUED = "Queued"
    DISPATCHED = "Dispatched"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"


_OPEN_JOBS = frozenset({JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.IN_PROGRESS})


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A session of the action's role. Its `repr` shows no secret."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return "Credentials(...)"


@dataclass(eq=False, slots=True, kw_only=True)
class Job:
    """One job of an action. `credentials` are dropped as soon as it is closed.

    `nonce`: what acknowledges a job that a worker has polled.
    """

    id: str
    action: ActionExecution
    continuation_token: str | None
    credentials: Credentials | None = None
    status: JobStatus = JobStatus.IN_PROGRESS
    nonce: str | None = None

    @property
    def is_open(self) -> bool:
        return self.action.in_progress and self.status in _OPEN_JOBS

    @property
    def takes_result(self) -> bool:
        return self.status is JobStatus.IN_PROGRESS and self.action.in_progress

    def close(self, status: JobStatus) -> None:
        self.status = status
        self.credentials = None

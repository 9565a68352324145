"""What is running and what ran. Everything here is read and changed under `Core`'s lock only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from stepline.localaws.clock import Timer
from stepline.localaws.codepipeline.models import (
    ActionDeclaration,
    ActionStatus,
    Artifact,
    CurrentRevision,
    ErrorDetails,
    Outcome,
    PipelineDeclaration,
    PipelineStatus,
    Revision,
    StageDeclaration,
    StageStatus,
    Trigger,
)
from stepline.localaws.codepipeline.variables import (
    PIPELINE_NAMESPACE,
    VARIABLES_NAMESPACE,
    Namespaces,
)


@dataclass(eq=False, slots=True, kw_only=True)
class ActionExecution:
    """One run of an action. `percent_complete`, `summary` and `external_id` are the provider's last word."""

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
    error: ErrorDetails | None = None
    output_variables: Mapping[str, str] = field(default_factory=dict)
    current_revision: CurrentRevision | None = None
    source_revision: Revision | None = None
    approval_token: str | None = None
    timers: dict[str, Timer] = field(default_factory=dict)

    def set_timer(self, name: str, timer: Timer) -> None:
        """Keep `timer`, in the place of an earlier one of that name, until the action ends."""
        if earlier := self.timers.pop(name, None):
            earlier.cancel()
        self.timers[name] = timer

    def cancel_timers(self) -> None:
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()

    @property
    def in_progress(self) -> bool:
        return self.status is ActionStatus.IN_PROGRESS

    def record(self, outcome: Outcome) -> None:
        """Its end. What it made is there for later actions, if it succeeded."""
        self.error = outcome.error
        self.summary = outcome.summary or self.summary
        self.external_id = outcome.external_id or self.external_id
        self.external_url = outcome.external_url or self.external_url
        self.current_revision = outcome.current_revision or self.current_revision
        if outcome.error is not None:
            self.status = ActionStatus.FAILED
            return
        self.status = ActionStatus.SUCCEEDED
        self.output_variables = outcome.output_variables
        self.source_revision = outcome.source_revision
        if self.declaration.namespace is not None:
            self.execution.namespaces[self.declaration.namespace] = outcome.output_variables
        revision_id = outcome.source_revision.id if outcome.source_revision else None
        for artifact in self.outputs:
            self.execution.artifacts[artifact.name] = replace(artifact, revision=revision_id)


@dataclass(eq=False, slots=True, kw_only=True)
class StageExecution:
    """A pipeline execution's time in one stage; `actions` are the latest runs by name."""

    declaration: StageDeclaration
    status: StageStatus = StageStatus.IN_PROGRESS
    actions: dict[str, ActionExecution] = field(default_factory=dict)
    retries: int = 0
    retried_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.declaration.name

    def next_group(self) -> list[ActionDeclaration]:
        """The actions to run next: those of the lowest runOrder that have no run yet."""
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
    """One run of a pipeline, bound to the version of the pipeline that it began with.

    `namespaces`: output variables of finished actions. `artifacts`: what finished actions made.
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

    def current_stage(self) -> StageExecution | None:
        """The stage that it is in; None while it waits to enter one."""
        busy = {StageStatus.IN_PROGRESS, StageStatus.STOPPING}
        return next((stage for stage in self.stages.values() if stage.status in busy), None)

    def following_stage(self, stage: StageExecution) -> str | None:
        names = [declaration.name for declaration in self.declaration.stages]
        rest = names[names.index(stage.name) + 1 :]
        return rest[0] if rest else None

    def variable_namespaces(self) -> Namespaces:
        """What `#{namespace.name}` may refer to now."""
        return {
            **self.namespaces,
            VARIABLES_NAMESPACE: self.variables,
            PIPELINE_NAMESPACE: {"PipelineExecutionId": self.id},
        }

    def source_actions(self) -> Iterator[ActionExecution]:
        """The latest run of each source action that found a revision."""
        latest = {action.declaration.name: action for action in self.history}
        return (action for action in latest.values() if action.source_revision is not None)


@dataclass(eq=False, slots=True, kw_only=True)
class Gate:
    """The entrance of a stage: who is inside, who waits, whether it is open."""

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
    """A pipeline with its versions (the last is in force), entrances and executions (newest last)."""

    arn: str
    created: datetime
    updated: datetime
    versions: deque[PipelineDeclaration]
    tags: dict[str, str] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    latest_actions: dict[tuple[str, str], ActionExecution] = field(default_factory=dict)
    executions: dict[str, PipelineExecution] = field(default_factory=dict)

    @property
    def declaration(self) -> PipelineDeclaration:
        return self.versions[-1]

    @property
    def name(self) -> str:
        return self.declaration.name

    def gate(self, stage_name: str) -> Gate:
        return self.gates.setdefault(stage_name, Gate())

    def in_progress(self) -> list[PipelineExecution]:
        return [execution for execution in self.executions.values() if not execution.status.is_final]

"""How an execution moves: into a stage, through its actions by runOrder, out, and to the next.

The rules are those of https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html:
one execution at a time in a stage (except in mode PARALLEL), others wait at its entrance; in mode
SUPERSEDED a newer one that comes to wait there takes the place of the older.

Every method runs inside a transaction. Nothing here calls a client: actions begin in the background.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from stepline.localaws.codepipeline import artifacts, events
from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.models import (
    ActionDeclaration,
    ActionStatus,
    ExecutionMode,
    FailureType,
    Outcome,
    PipelineStatus,
    RetryMode,
    StageStatus,
)
from stepline.localaws.codepipeline.state import (
    ActionExecution,
    Gate,
    Pipeline,
    PipelineExecution,
    StageExecution,
)
from stepline.localaws.codepipeline.variables import UnresolvedVariablesError, resolve

_log = logging.getLogger(__name__)

ActionCallback = Callable[[ActionExecution], None]


class Flow:
    """`begin` does an action's work (called outside transactions); `forget` drops what an action left."""

    def __init__(self, core: Core, *, begin: ActionCallback, forget: ActionCallback) -> None:
        self._core = core
        self._begin = begin
        self._forget = forget

    # --- executions -------------------------------------------------------------------------------

    def start(self, execution: PipelineExecution) -> None:
        """Begin with the first stage, or wait before it."""
        execution.pipeline.executions[execution.id] = execution
        self._emit_pipeline(execution, "STARTED")
        self._arrive(execution, execution.declaration.stages[0].name)

    def stop(self, execution: PipelineExecution) -> None:
        """Carry out `execution.stop`: at once if nothing runs, or if what runs is abandoned."""
        if execution.status is not PipelineStatus.STOPPING:
            execution.status = PipelineStatus.STOPPING
            self._touch(execution)
            self._emit_pipeline(execution, "STOPPING")
        stage = execution.current_stage()
        if stage is None:
            self._leave_queues(execution)
            self._finish(execution, PipelineStatus.STOPPED)
            return
        if stage.status is not StageStatus.STOPPING:
            stage.status = StageStatus.STOPPING
            self._emit_stage(execution, stage, "STOPPING")
        if execution.stop is not None and execution.stop.abandon:
            for action in stage.with_status(ActionStatus.IN_PROGRESS):
                self._abandon(action)
        self._advance(execution, stage)

    def retry(self, execution: PipelineExecution, stage: StageExecution, mode: RetryMode) -> None:
        """Run a failed or stopped stage again, in the same execution: new runs of its actions."""
        now = self._core.now()
        execution.attempt += 1
        execution.retried_at = stage.retried_at = now
        execution.stop, execution.status_summary = None, None
        execution.status, stage.status = PipelineStatus.IN_PROGRESS, StageStatus.IN_PROGRESS
        stage.retries += 1
        for action in list(stage.actions.values()):
            if mode is RetryMode.ALL_ACTIONS or action.status is not ActionStatus.SUCCEEDED:
                del stage.actions[action.declaration.name]
        self._touch(execution)
        self._occupy(execution, stage)
        self._emit_pipeline(execution, "RESUMED")
        self._emit_stage(execution, stage, "RESUMED")
        self._advance(execution, stage)

    def discard(self, pipeline: Pipeline) -> None:
        """The pipeline was deleted: what runs is dropped without a word."""
        for execution in pipeline.executions.values():
            for action in execution.history:
                action.cancel_timers()
                if action.in_progress:
                    action.status = ActionStatus.ABANDONED
                self._forget(action)
        pipeline.gates.clear()

    def admit(self, pipeline: Pipeline, stage_name: str) -> None:
        """Let in whoever waits at the entrance of a stage, as far as it is open and free."""
        gate = pipeline.gate(stage_name)
        while gate.enabled and gate.inbound and _is_free(gate, gate.inbound[0]):
            self._enter(gate.inbound.popleft(), stage_name)

    # --- stages -----------------------------------------------------------------------------------

    def _arrive(self, execution: PipelineExecution, stage_name: str) -> None:
        gate = execution.pipeline.gate(stage_name)
        if execution.declaration.mode is ExecutionMode.SUPERSEDED:
            self._supersede(gate, execution)
        gate.inbound.append(execution)
        self.admit(execution.pipeline, stage_name)

    def _supersede(self, gate: Gate, newer: PipelineExecution) -> None:
        while gate.inbound:
            older = gate.inbound.popleft()
            older.status_summary = f"Superseded by the newer execution {newer.id}"
            self._finish(older, PipelineStatus.SUPERSEDED)

    def _enter(self, execution: PipelineExecution, stage_name: str) -> None:
        declaration = next(stage for stage in execution.declaration.stages if stage.name == stage_name)
        stage = execution.stages[stage_name] = StageExecution(declaration=declaration)
        self._occupy(execution, stage)
        self._touch(execution)
        self._emit_stage(execution, stage, "STARTED")
        self._advance(execution, stage)

    def _occupy(self, execution: PipelineExecution, stage: StageExecution) -> None:
        gate = execution.pipeline.gate(stage.name)
        gate.latest, gate.latest_execution = stage, execution
        if execution.declaration.mode is not ExecutionMode.PARALLEL:
            gate.occupant = execution

    def _advance(self, execution: PipelineExecution, stage: StageExecution) -> None:
        """One step on, unless an action still runs: stop, fail, start the next actions, or succeed."""
        if stage.with_status(ActionStatus.IN_PROGRESS):
            return
        if execution.stop is not None:
            self._end(execution, stage, StageStatus.STOPPED)
        elif stage.with_status(ActionStatus.FAILED):
            self._end(execution, stage, StageStatus.FAILED)
        elif group := stage.next_group():
            for declaration in group:
                self._start_action(execution, stage, declaration)
        else:
            self._end(execution, stage, StageStatus.SUCCEEDED)

    def _end(self, execution: PipelineExecution, stage: StageExecution, status: StageStatus) -> None:
        stage.status = status
        self._touch(execution)
        self._emit_stage(execution, stage, status.name)
        gate = execution.pipeline.gate(stage.name)
        if gate.occupant is execution:
            gate.occupant = None
        following = execution.following_stage(stage)
        if status is not StageStatus.SUCCEEDED:
            self._finish(execution, PipelineStatus(status.value))
        elif following is None:
            self._finish(execution, PipelineStatus.SUCCEEDED)
        else:
            self._arrive(execution, following)
        self.admit(execution.pipeline, stage.name)

    def _finish(self, execution: PipelineExecution, status: PipelineStatus) -> None:
        execution.status = status
        self._touch(execution)
        self._emit_pipeline(execution, status.name)
        self._prune(execution.pipeline)

    def _prune(self, pipeline: Pipeline) -> None:
        """Keep the newest of the finished executions."""
        finished = [execution for execution in pipeline.executions.values() if execution.status.is_final]
        for execution in finished[: max(0, len(finished) - self._core.settings.kept_executions)]:
            for action in execution.history:
                self._forget(action)
            del pipeline.executions[execution.id]

    @staticmethod
    def _leave_queues(execution: PipelineExecution) -> None:
        for gate in execution.pipeline.gates.values():
            if execution in gate.inbound:
                gate.inbound.remove(execution)

    # --- actions ----------------------------------------------------------------------------------

    def _start_action(
        self, execution: PipelineExecution, stage: StageExecution, declaration: ActionDeclaration
    ) -> None:
        core = self._core
        store = execution.declaration.store(core.region)
        action = ActionExecution(
            id=core.new_id(),
            execution=execution,
            stage=stage,
            declaration=declaration,
            started_at=core.now(),
            updated_at=core.now(),
            updated_by=core.caller_arn,
            inputs=tuple(execution.artifacts[name] for name in declaration.inputs),
            outputs=tuple(
                artifacts.allocate(core, execution.declaration.name, store, name)
                for name in declaration.outputs
            ),
        )
        stage.actions[declaration.name] = action
        execution.history.append(action)
        execution.pipeline.latest_actions[stage.name, declaration.name] = action
        self._touch(execution)
        self._emit_action(action, "STARTED")
        self._schedule(action)

    def _schedule(self, action: ActionExecution) -> None:
        try:
            action.resolved_configuration = resolve(
                action.declaration.configuration, action.execution.variable_namespaces()
            )
        except UnresolvedVariablesError as error:
            failure = Outcome.failure(
                FailureType.CONFIGURATION_ERROR,
                "An action in this pipeline failed because one or more variables could not be resolved: "
                f"Action name={action.declaration.name}. This can result when a variable is referenced "
                f"that does not exist. Unresolved: {error}",
            )
            self._core.later(0, partial(self.finish_action, action, failure))
            return
        self._core.later(0, partial(self._begin, action))

    @contextmanager
    def guarded(self, action: ActionExecution) -> Iterator[None]:
        """An error that nobody foresaw, in the work of `action`, ends it: better than to leave it hanging."""
        try:
            yield
        except Exception:
            _log.exception("an action broke down", extra={"provider": action.declaration.type.provider})
            message = "The action broke down in the local AWS of stepline; its log says why."
            self.finish_action(action, Outcome.failure(FailureType.SYSTEM_UNAVAILABLE, message))

    def finish_action(self, action: ActionExecution, outcome: Outcome) -> None:
        """Record how an action ended, and go on. Does nothing if it has ended before."""
        with self._core.transaction():
            if not action.in_progress:
                return
            action.record(outcome)
            action.updated_at = self._core.now()
            action.cancel_timers()
            self._touch(action.execution)
            self._emit_action(action, action.status.name)
            self._advance(action.execution, action.stage)

    def _abandon(self, action: ActionExecution) -> None:
        action.status = ActionStatus.ABANDONED
        action.updated_at = self._core.now()
        action.cancel_timers()
        self._emit_action(action, "ABANDONED")

    # --- events -----------------------------------------------------------------------------------

    def _touch(self, execution: PipelineExecution) -> None:
        execution.updated_at = self._core.now()

    def _emit_pipeline(self, execution: PipelineExecution, state: str) -> None:
        self._core.emit(events.pipeline_event(execution, state, self._core.now()))

    def _emit_stage(self, execution: PipelineExecution, stage: StageExecution, state: str) -> None:
        self._core.emit(events.stage_event(execution, stage, state, self._core.now()))

    def _emit_action(self, action: ActionExecution, state: str) -> None:
        self._core.emit(events.action_event(action, state, self._core.region, self._core.now()))


def _is_free(gate: Gate, execution: PipelineExecution) -> bool:
    return gate.occupant is None or execution.declaration.mode is ExecutionMode.PARALLEL

"""Moves an execution: into a stage, through its actions by runOrder, out, and to the next stage.

https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html: except in mode PARALLEL
a stage processes one execution at a time, and others wait before it; in mode SUPERSEDED a newer execution
replaces the one that waits.

Call every method inside a transaction. No client is called here: actions start in the background.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline import artifacts, events
from stepline.localaws.codepipeline.declarations import ActionDeclaration, ExecutionMode
from stepline.localaws.codepipeline.models import (
    ActionExecution,
    ActionStatus,
    Pipeline,
    PipelineExecution,
    PipelineStatus,
    RetryMode,
    StageExecution,
    StageState,
    StageStatus,
)
from stepline.localaws.codepipeline.results import ActionResult
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.variables import UnresolvedVariablesError, resolve

_log = logging.getLogger(__name__)

ActionCallback = Callable[[ActionExecution], None]

_CANCELED = "CANCELED"
_EVENT_STATES = {PipelineStatus.CANCELLED.value: _CANCELED}
"""Statuses that events spell in another way."""


class ExecutionFlow:
    """`run_action` does an action's work, and `abandon_action` ends it early (called outside transactions).

    `drop_jobs` deletes the action's jobs.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        run_action: ActionCallback,
        abandon_action: ActionCallback,
        drop_jobs: ActionCallback,
    ) -> None:
        self._runtime = runtime
        self._run_action = run_action
        self._abandon_action = abandon_action
        self._drop_jobs = drop_jobs

    # --- executions -------------------------------------------------------------------------------

    def start(self, execution: PipelineExecution) -> None:
        """Enter the first stage, or wait before it."""
        execution.pipeline.executions[execution.id] = execution
        self._emit_pipeline(execution, "STARTED")
        self._queue(execution, execution.declaration.stages[0].name)

    def stop(self, execution: PipelineExecution) -> None:
        """Carry out `execution.stop`: at once if no action is in progress, or if actions are abandoned."""
        if execution.status is not PipelineStatus.STOPPING:
            execution.status = PipelineStatus.STOPPING
            self._emit_pipeline(execution, "STOPPING")
        stage = execution.current_stage()
        if stage is None:
            _leave_queues(execution)
            self._finish(execution, PipelineStatus.STOPPED)
            return
        if stage.status is not StageStatus.STOPPING:
            stage.status = StageStatus.STOPPING
            self._emit_stage(execution, stage, "STOPPING")
        if execution.stop is not None and execution.stop.abandon:
            for action in stage.with_status(ActionStatus.IN_PROGRESS):
                self._abandon(action, "ABANDONED")
        self._advance(execution, stage)

    def cancel_outdated(self, pipeline: Pipeline) -> None:
        """End the executions of earlier versions, each once its actions in progress have ended.

        Actions that the new version does not declare end at once: nobody could approve them any more. "The
        action was canceled because the pipeline structure was updated"
        (https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html).
        """
        for execution in [item for item in pipeline.in_progress() if item.is_outdated]:
            stage = execution.current_stage()
            if stage is None:
                _leave_queues(execution)
                self._finish(execution, PipelineStatus.CANCELLED)
                continue
            for action in stage.with_status(ActionStatus.IN_PROGRESS):
                if not pipeline.declaration.declares(stage.name, action.declaration.name):
                    self._abandon(action, _CANCELED)
            self._advance(execution, stage)

    def _abandon(self, action: ActionExecution, state: str) -> None:
        self._end_early(action)
        self._emit_action(action, state)

    def _end_early(self, action: ActionExecution) -> None:
        action.end(ActionStatus.ABANDONED, self._runtime.now())
        self._runtime.later(0, partial(self._abandon_action, action))

    def retry(self, execution: PipelineExecution, stage: StageExecution, mode: RetryMode) -> None:
        """Run a failed or stopped stage again, in the same execution: new executions of its actions."""
        execution.attempt += 1
        execution.retried_at = stage.retried_at = self._runtime.now()
        execution.stop, execution.status_summary = None, None
        execution.status, stage.status = PipelineStatus.IN_PROGRESS, StageStatus.IN_PROGRESS
        stage.retries += 1
        for action in list(stage.actions.values()):
            if mode is RetryMode.ALL_ACTIONS or action.status is not ActionStatus.SUCCEEDED:
                del stage.actions[action.declaration.name]
        _occupy(execution, stage)
        self._emit_pipeline(execution, "RESUMED")
        self._emit_stage(execution, stage, "RESUMED")
        self._advance(execution, stage)

    def discard(self, pipeline: Pipeline) -> None:
        """Abandon all actions of a deleted pipeline, without events."""
        for execution in pipeline.executions.values():
            for action in execution.history:
                if action.in_progress:
                    self._end_early(action)
                self._drop_jobs(action)
        pipeline.stage_states.clear()

    def admit(self, pipeline: Pipeline, stage_name: str) -> None:
        """Let waiting executions enter the stage, if its transition is enabled and it is free."""
        state = pipeline.stage_state(stage_name)
        while state.enabled and state.inbound and _is_free(state, state.inbound[0]):
            self._enter(state.inbound.popleft(), stage_name)

    # --- stages -----------------------------------------------------------------------------------

    def _queue(self, execution: PipelineExecution, stage_name: str) -> None:
        inbound = execution.pipeline.stage_state(stage_name).inbound
        while execution.declaration.mode is ExecutionMode.SUPERSEDED and inbound:
            older = inbound.popleft()
            older.status_summary = f"Superseded by the newer execution {execution.id}"
            self._finish(older, PipelineStatus.SUPERSEDED)
        inbound.append(execution)
        self.admit(execution.pipeline, stage_name)

    def _enter(self, execution: PipelineExecution, stage_name: str) -> None:
        declaration = execution.declaration.stage(stage_name)
        assert declaration is not None  # an execution keeps the version of the pipeline that it started with
        stage = execution.stages[stage_name] = StageExecution(declaration=declaration)
        _occupy(execution, stage)
        self._emit_stage(execution, stage, "STARTED")
        self._advance(execution, stage)

    def _advance(self, execution: PipelineExecution, stage: StageExecution) -> None:
        """Once no action is in progress: end the stage, or start its next actions."""
        if stage.with_status(ActionStatus.IN_PROGRESS):
            return
        if execution.stop is not None:
            self._end_stage(execution, stage, StageStatus.STOPPED)
        elif stage.with_status(ActionStatus.FAILED):
            self._end_stage(execution, stage, StageStatus.FAILED)
        elif execution.is_outdated:
            self._end_stage(execution, stage, StageStatus.CANCELLED)
        elif group := stage.next_group():
            for declaration in group:
                self._start_action(execution, stage, declaration)
        else:
            self._end_stage(execution, stage, StageStatus.SUCCEEDED)

    def _end_stage(self, execution: PipelineExecution, stage: StageExecution, status: StageStatus) -> None:
        stage.status = status
        self._emit_stage(execution, stage, _EVENT_STATES.get(status.value, status.name))
        state = execution.pipeline.stage_state(stage.name)
        if state.occupant is execution:
            state.occupant = None
        following = execution.declaration.stage_after(stage.name)
        if following is None or status is not StageStatus.SUCCEEDED:
            self._finish(execution, PipelineStatus(status.value))
        else:
            self._queue(execution, following)
        self.admit(execution.pipeline, stage.name)

    def _finish(self, execution: PipelineExecution, status: PipelineStatus) -> None:
        execution.status = status
        self._emit_pipeline(execution, _EVENT_STATES.get(status.value, status.name))
        self._prune(execution.pipeline)

    def _prune(self, pipeline: Pipeline) -> None:
        """Keep the newest of the finished executions."""
        finished = [execution for execution in pipeline.executions.values() if execution.status.is_final]
        for execution in finished[: max(0, len(finished) - self._runtime.settings.kept_executions)]:
            for action in execution.history:
                self._drop_jobs(action)
            del pipeline.executions[execution.id]

    # --- actions ----------------------------------------------------------------------------------

    def finish_action(self, action: ActionExecution, result: ActionResult) -> None:
        """Record how an action ended and continue the stage. Does nothing if the action ended before."""
        with self._runtime.transaction():
            if action.in_progress:
                action.finish(result, self._runtime.now())
                self._emit_action(action, action.status.name)
                self._advance(action.execution, action.stage)

    @contextmanager
    def fail_on_error(self, action: ActionExecution) -> Iterator[None]:
        """Fail the action on an unexpected error in its work, instead of leaving it in progress."""
        try:
            yield
        except Exception:
            _log.exception(
                "an action failed unexpectedly", extra={"provider": action.declaration.type.provider}
            )
            message = "The action failed because of an error in the local AWS of stepline; see its log."
            self.finish_action(action, ActionResult.failure(FailureType.SYSTEM_UNAVAILABLE, message))

    def _start_action(
        self, execution: PipelineExecution, stage: StageExecution, declaration: ActionDeclaration
    ) -> None:
        runtime = self._runtime
        store = execution.declaration.store(declaration.region or runtime.region)
        action = ActionExecution(
            id=runtime.new_id(),
            execution=execution,
            stage=stage,
            declaration=declaration,
            started_at=runtime.now(),
            updated_at=runtime.now(),
            updated_by=runtime.caller_arn,
            inputs=tuple(execution.artifacts[name] for name in declaration.inputs),
            outputs=tuple(
                artifacts.new_artifact(runtime, execution.declaration.name, store, name)
                for name in declaration.outputs
            ),
        )
        stage.actions[declaration.name] = action
        execution.history.append(action)
        execution.pipeline.latest_actions[stage.name, declaration.name] = action
        self._emit_action(action, "STARTED")
        self._schedule(action)

    def _schedule(self, action: ActionExecution) -> None:
        try:
            action.resolved_configuration = resolve(
                action.declaration.configuration, action.execution.variable_namespaces()
            )
        except UnresolvedVariablesError as error:
            failure = ActionResult.failure(
                FailureType.CONFIGURATION_ERROR,
                "An action in this pipeline failed because one or more variables could not be resolved: "
                f"Action name={action.declaration.name}. This can result when a variable is referenced "
                f"that does not exist. Unresolved: {error}",
            )
            self._runtime.later(0, partial(self.finish_action, action, failure))
            return
        self._runtime.later(0, partial(self._run_action, action))

    # --- events -----------------------------------------------------------------------------------

    def _emit_pipeline(self, execution: PipelineExecution, state: str) -> None:
        execution.updated_at = self._runtime.now()
        self._runtime.emit(events.pipeline_event(execution, state, execution.updated_at))

    def _emit_stage(self, execution: PipelineExecution, stage: StageExecution, state: str) -> None:
        execution.updated_at = self._runtime.now()
        self._runtime.emit(events.stage_event(execution, stage, state, execution.updated_at))

    def _emit_action(self, action: ActionExecution, state: str) -> None:
        action.execution.updated_at = self._runtime.now()
        self._runtime.emit(
            events.action_event(action, state, self._runtime.region, action.execution.updated_at)
        )


def _is_free(state: StageState, execution: PipelineExecution) -> bool:
    return state.occupant is None or execution.declaration.mode is ExecutionMode.PARALLEL


def _occupy(execution: PipelineExecution, stage: StageExecution) -> None:
    state = execution.pipeline.stage_state(stage.name)
    state.latest, state.latest_execution = stage, execution
    if execution.declaration.mode is not ExecutionMode.PARALLEL:
        state.occupant = execution


def _leave_queues(execution: PipelineExecution) -> None:
    for state in execution.pipeline.stage_states.values():
        if execution in state.inbound:
            state.inbound.remove(execution)

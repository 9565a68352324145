"""Runs one execution on moto's engine: parses its definition, runs it, and records its events.

Only the engine is used, not moto's Step Functions around it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    ActivityCallbackEndpoint,
    CallbackNotifyConsumerError,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from moto.stepfunctions.parser.asl.eval.states import ContextObjectData, ExecutionData, StateMachineData
from moto.stepfunctions.parser.asl.parse.asl_parser import ASLParserException

from stepline.localaws.emulators.moto import definitions, http_calls, map_runs
from stepline.localaws.emulators.moto.data import aws_time
from stepline.localaws.emulators.moto.patches import apply_patches
from stepline.localaws.emulators.moto.tasks import task_clients as current_task_clients
from stepline.localaws.stepfunctions.activities import Activity
from stepline.localaws.stepfunctions.interpreter import HttpConnections, TaskClients
from stepline.localaws.stepfunctions.models import Checkpoint, Execution, MachineType, TaskClosedError

apply_patches()

_MAX_PARSED_DEFINITIONS = 64
"""Parsing takes a few milliseconds per state, so the latest definitions are cached."""


class MotoInterpretation:
    """Implements `stepfunctions.interpreter.Interpretation`."""

    def __init__(
        self,
        execution: Execution,
        *,
        task_clients: TaskClients,
        http_connections: HttpConnections,
        activities: Mapping[str, Activity],
        account_id: str,
        region: str,
    ) -> None:
        self._execution = execution
        self._http_connections = http_connections
        self._activities = activities
        self._task_clients = task_clients
        self._account_id = account_id
        self._region = region
        self._environment: Any = None

    @staticmethod
    def find_error(definition: str, machine_type: MachineType) -> str | None:
        """Return why the definition breaks the language's grammar, or None if it does not."""
        try:
            _parse(definition, machine_type)
        except ASLParserException as error:
            return _shortened("; ".join(error.errors))
        except Exception as error:
            return _shortened(str(error))
        return None

    def run(self) -> None:
        current_task_clients.set(self._task_clients)
        map_runs.executions.set(self._execution)
        http_calls.http_connections.set(self._http_connections)
        program = _parse(self._execution.machine.definition, self._execution.machine.type)
        self._environment = self._new_environment()
        if self._execution.checkpoint is None:
            self._record_start()
            self._environment.next_state_name = program.start_at.start_at_name
        else:
            self._restore(self._execution.checkpoint)
        EvalComponent.eval(program, self._environment)

    def succeed_task(self, token: str, output: str) -> bool:
        return self._notify(token, CallbackOutcomeSuccess(callback_id=token, output=output))

    def fail_task(self, token: str, error: str | None, cause: str | None) -> bool:
        return self._notify(token, CallbackOutcomeFailure(callback_id=token, error=error, cause=cause))

    def task_heartbeat(self, token: str) -> bool:
        manager = self._callbacks
        if manager is None or manager.get(token) is None:
            return False
        try:
            manager.heartbeat(token)
        except CallbackNotifyConsumerError as error:
            raise TaskClosedError from error
        return True

    def start_activity_task(self, token: str, worker_name: str | None) -> bool:
        callback = None if self._callbacks is None else self._callbacks.get(token)
        if not isinstance(callback, ActivityCallbackEndpoint) or callback.consumer_error is not None:
            return False
        callback.notify_activity_task_start(worker_name)
        return True

    def task_tokens(self) -> set[str]:
        return set() if self._callbacks is None else set(self._callbacks._pool)

    @property
    def _callbacks(self) -> Any:
        return None if self._environment is None else self._environment.callback_pool_manager

    def _notify(self, token: str, outcome: Any) -> bool:
        try:
            return self._callbacks is not None and bool(self._callbacks.notify(token, outcome))
        except CallbackNotifyConsumerError as error:
            raise TaskClosedError from error

    def _record_start(self) -> None:
        details = {
            "input": self._execution.input,
            "inputDetails": {"truncated": False},
            "roleArn": self._execution.machine.role_arn,
        }
        self._execution.record("ExecutionStarted", {"executionStartedEventDetails": details})

    def _restore(self, checkpoint: Checkpoint) -> None:
        """Restore the environment; the checkpoint's state is entered after the event of the redrive."""
        environment = self._environment
        environment.event_history_context.source_event_id = len(self._execution.events())
        environment.next_state_name = checkpoint.state_name
        environment.states.reset(checkpoint.input)
        for name, value in checkpoint.variables.items():
            environment.variable_store.set(name, value)

    def _new_environment(self) -> Any:
        execution, machine = self._execution, self._execution.machine
        context = ContextObjectData(
            Execution=ExecutionData(
                Id=execution.arn,
                Input=json.loads(execution.input),
                Name=execution.name,
                RoleArn=machine.role_arn,
                StartTime=aws_time(execution.start_date),
                **_redrive(execution),
            ),
            StateMachine=StateMachineData(Id=machine.arn, Name=machine.name),
        )
        environment = Environment(
            aws_execution_details=AWSExecutionDetails(
                account=self._account_id, region=self._region, role_arn=machine.role_arn
            ),
            execution_type=machine.type.value,
            context=context,
            event_history_context=EventHistoryContext.of_program_start(),
            cloud_watch_logging_session=None,
            activity_store=self._activities,
        )
        environment.event_manager = _Recorder(environment, execution)
        return environment


def _redrive(execution: Execution) -> dict[str, Any]:
    """Return what the Context object says about redrives [guide, "Accessing execution data"]."""
    if execution.redrive_date is None:
        return {"RedriveCount": 0}
    return {"RedriveCount": execution.redrive_count, "RedriveTime": aws_time(execution.redrive_date)}


class _Recorder(EventManager):  # type: ignore[misc] # moto has no types
    """Records the engine's events in the execution's history."""

    def __init__(self, root: Any, execution: Execution) -> None:
        super().__init__()
        self._root = root
        self._execution = execution

    @property
    def is_open(self) -> bool:
        return self._execution.running

    def add_event(
        self,
        context: Any,
        event_type: Any,
        event_details: Mapping[str, Any] | None = None,
        timestamp: object = None,
        update_source_event_id: bool = True,
    ) -> int:
        name = str(event_type.value if isinstance(event_type, Enum) else event_type)
        if name == "ExecutionFailed" and self._root.is_running():  # which a Catch may still handle
            return int(context.source_event_id)
        if name == "EvaluationFailed" and self._is_repeated(event_details or {}):
            return int(context.source_event_id)
        if context is self._root.event_history_context and name.endswith("StateEntered"):
            self._execution.checkpoint = self._checkpoint()
        event_id = self._execution.record(name, event_details, previous_event_id=context.source_event_id)
        context.last_published_event_id = event_id
        if update_source_event_id:
            context.source_event_id = event_id
        return event_id

    def _is_repeated(self, event_details: Mapping[str, Any]) -> bool:
        """Return whether the history has this event; moto records some twice, once without the state."""
        (details,) = event_details.values()
        last = self._execution.last_event().get("evaluationFailedEventDetails")
        return "state" not in details or details == last

    def _checkpoint(self) -> Checkpoint:
        variables = dict(self._root.variable_store._inner_scope)
        return Checkpoint(self._root.next_state_name, self._root.states.get_input(), variables)


@functools.lru_cache(maxsize=_MAX_PARSED_DEFINITIONS)
def _parse(definition: str, machine_type: MachineType) -> Any:
    """Return the program, which all executions of the definition share. Raises any error of the parser."""
    return definitions.parse(definition, machine_type)


_REPEATED = re.compile(r":? '\{.*", re.DOTALL)
_MISSING_MEMBER = re.compile(r"No '<class '[\w.]*\.(\w+)'>' definition for Program in context")


def _shortened(reason: str) -> str:
    """Remove the parser's list of some seventy words that it expected, and its quote of the definition."""
    text = reason.partition(" expecting ")[0].removeprefix("Invalid State Machine Definition: ")
    text = _MISSING_MEMBER.sub(r"\1 is missing", _REPEATED.sub("", text))
    return text.strip("'").removeprefix("SCHEMA_VALIDATION_FAILED: ")

"""Creates the failures of states, which Retry and Catch match."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str


def evaluation_failure(env: Any, cause: str, location: str = "") -> FailureEventException:
    """Record and return States.QueryEvaluationError. `location` names the field: `Output/total`."""
    error = StatesErrorNameType.StatesQueryEvaluationError
    details = {"error": error.to_name(), "cause": cause}
    if location:
        details["location"] = location
    failed = HistoryEventType.EvaluationFailed
    failure = _failure(env, error, failed, "evaluationFailedEventDetails", details)
    recorded = failure.get_evaluation_failed_event_details()
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=failed,
        event_details={"evaluationFailedEventDetails": recorded},
    )
    return failure


def type_failure(env: Any, expression: Any, expected: str, value: Any) -> FailureEventException:
    """Record and return the failure of a JSONata expression whose value has another type than `expected`."""
    location = expression.location
    cause = (
        f"The JSONata expression '{expression.expression}' specified for the field '{location}' returned an "
        f"unexpected result type. Expected '{expected}', but was '{_json_type(value)}' for value: "
        f"{to_json_str(value, separators=(',', ':'))}"
    )
    return evaluation_failure(env, cause, location)


def _json_type(value: Any) -> str:
    for kind, name in ((bool, "boolean"), (str, "string"), (list, "array"), (dict, "object")):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "number"


def state_failure(env: Any, error: StatesErrorNameType, cause: str) -> FailureEventException:
    """Return a failure of a state that is not a task's, such as States.NoChoiceMatched."""
    details = {"error": error.to_name(), "cause": _located(env, cause, error)}
    return _failure(env, error, HistoryEventType.ExecutionFailed, "executionFailedEventDetails", details)


def _located(env: Any, cause: str, error: StatesErrorNameType) -> str:
    """Return the cause with the state; moto adds it to that of States.Runtime."""
    if error is StatesErrorNameType.StatesRuntime:
        return cause
    entered = env.event_history_context.source_event_id
    state = f"the state '{env.next_state_name}' (entered at the event id #{entered})"
    return f"An error occurred while executing {state}. {cause}"


def task_failure(task: Any, env: Any, name: str, cause: str) -> FailureEvent:
    """Return the failure of a task that calls a service, with any name of an error."""
    details = {
        "resource": task._get_sfn_resource(),
        "resourceType": task._get_sfn_resource_type(),
        "error": name,
        "cause": cause,
    }
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(name),
        event_type=HistoryEventType.TaskFailed,
        event_details={"taskFailedEventDetails": details},
    )


def map_run_failure(env: Any, error: StatesErrorNameType, cause: str) -> FailureEventException:
    """Return a failure of a distributed Map state."""
    details = {"error": error.to_name(), "cause": cause}
    return _failure(env, error, HistoryEventType.MapRunFailed, "mapRunFailedEventDetails", details)


def _failure(
    env: Any, error: StatesErrorNameType, event_type: Any, member: str, details: dict[str, str]
) -> FailureEventException:
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=error),
            event_type=event_type,
            event_details={member: details},
        )
    )

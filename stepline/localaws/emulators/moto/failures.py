"""Creates the failures of states, which Retry and Catch match."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)


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


def state_failure(env: Any, error: StatesErrorNameType, cause: str) -> FailureEventException:
    """Return a failure of a state that is not a task's, such as States.NoChoiceMatched."""
    details = {"error": error.to_name(), "cause": cause}
    return _failure(env, error, HistoryEventType.ExecutionFailed, "executionFailedEventDetails", details)


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

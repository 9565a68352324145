"""Patches moto's JSONata: it needs a Java machine, and its errors cannot be caught."""

from __future__ import annotations

import json
from typing import Any

import jsonata
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name import failure_event
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.utils import encoding


def evaluate_jsonata_in_python() -> None:
    """Evaluate expressions in Python; moto does not contain the Java machine that it evaluates them with."""

    def evaluate(expression: str) -> Any:
        try:
            return json.loads(json.dumps(jsonata.Jsonata(expression).evaluate(None)))
        except Exception as error:
            raise moto_jsonata.JSONataException("UNKNOWN", str(error)) from error

    moto_jsonata._eval_jsonata = evaluate
    moto_jsonata.eval_jsonata_expression.__globals__["_eval_jsonata"] = evaluate


def raise_query_evaluation_errors() -> None:
    """Fail with States.QueryEvaluationError, which can be caught; moto ends with States.Runtime."""
    original = string_expression.StringJSONata._eval_body

    def evaluate(self: Any, env: Any) -> None:
        try:
            original(self, env)
        except moto_jsonata.JSONataException as error:
            cause = (
                f"The JSONata expression '{self.expression}' specified for the field '{env.next_field_name}' "
                f"threw an error during evaluation. {error.details}"
            )
            raise _evaluation_failure(env, cause) from error

    string_expression.StringJSONata._eval_body = evaluate


def _evaluation_failure(env: Any, cause: str) -> Exception:
    error_name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = {"evaluationFailedEventDetails": {"error": error_name.error_name, "cause": cause}}
    event = failure_event.FailureEvent(
        env=env,
        error_name=error_name,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=details,
    )
    failure: Exception = failure_event.FailureEventException(event)
    return failure


def quote_jsonata_variables() -> None:
    """Write variables as JSON; moto only adds quotes, so a quote or line break breaks the expression."""

    def encode(bindings: dict[str, Any]) -> str:
        return "".join(
            f"{name}:={encoding.to_json_str(value, separators=(',', ':'))};"
            for name, value in bindings.items()
        )

    for module in (moto_jsonata, states, variable_store):
        module.encode_jsonata_variable_declarations = encode

"""Patches moto's Choice states and what compares values: times with offsets, escapes, and names of errors."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.choice import state_choice
from moto.stepfunctions.parser.asl.component.state.choice.comparison import (
    comparison,
    comparison_variable,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.factory import OperatorFactory
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations import (
    is_operator,
    string_operators,
    timestamp_operators,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import NoSuchVariable
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from stepline.localaws.emulators.moto.failures import state_failure, type_failure

TIMESTAMP: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})", re.ASCII
)
"""RFC 3339 with an upper case T and Z [Amazon States Language, "Timestamps"]."""

_IS_PRESENT: Final = ComparisonOperatorType.IsPresent
_MATCH_PART = re.compile(r"\\([*\\])|(\*)|(.)", re.DOTALL)
_NOT_MATCHED: Final = "Failed to transition out of the state. The state does not point to a next state."


def parse_timestamp(text: Any) -> datetime | None:
    """Return the time that a timestamp names, None if it is not one."""
    if not isinstance(text, str) or not TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).astimezone(UTC)
    except ValueError:
        return None


def compare_times() -> None:
    """Compare times with fractions and offsets; moto knows only `2016-03-14T01:59:00Z`, and others crash."""
    is_operator.IsTimestamp.string_to_timestamp = staticmethod(parse_timestamp)
    for name in ("GreaterThan", "GreaterThanEquals", "LessThan", "LessThanEquals"):
        operator = getattr(timestamp_operators, f"Timestamp{name}")
        original = operator._compare
        for operator_or_path in (operator, getattr(timestamp_operators, f"Timestamp{name}Path")):
            operator_or_path._compare = staticmethod(_compare_if_both_are_times(original))


def _compare_if_both_are_times(compare: Any) -> Any:
    def compared(variable: Any, value: Any) -> bool:
        if parse_timestamp(variable) is None or parse_timestamp(value) is None:
            return False
        return bool(compare(variable, value))

    return compared


def compare_strings() -> None:
    """Compare strings with strings only, and match `\\\\*` with a star.

    moto fails to order other types, and treats `?` and `[` as wildcards.
    """
    for name in ("GreaterThan", "GreaterThanEquals", "LessThan", "LessThanEquals"):
        operator = getattr(string_operators, f"String{name}")
        original = operator._compare
        for operator_or_path in (operator, getattr(string_operators, f"String{name}Path")):
            operator_or_path._compare = staticmethod(_compare_if_both_are_strings(original))
    string_operators.StringMatches._compare = staticmethod(_matches)


def _compare_if_both_are_strings(compare: Any) -> Any:
    def compared(variable: Any, value: Any) -> bool:
        return isinstance(variable, str) and isinstance(value, str) and bool(compare(variable, value))

    return compared


def _matches(variable: Any, pattern: Any) -> bool:
    if not isinstance(variable, str):
        return False
    parts = (".*" if found[2] else re.escape(found[1] or found[3]) for found in _MATCH_PART.finditer(pattern))
    return re.fullmatch("".join(parts), variable, re.DOTALL) is not None


def refuse_missing_variables() -> None:
    """Fail if `Variable` selects nothing, unless the operator is IsPresent; moto does not match the rule."""

    def evaluate(self: Any, env: Any) -> None:
        self.variable.eval(env)
        function = self.comparison_function
        if isinstance(env.stack[-1], NoSuchVariable) and function.operator_type is not _IS_PRESENT:
            raise _invalid_path(env, self.variable.string_sampler.literal_value)
        try:
            _compare(function, env)
        except NoSuchJsonPathError as error:
            raise _invalid_path(env, error.json_path) from error

    comparison_variable.ComparisonVariable._eval_body = evaluate


def _compare(function: Any, env: Any) -> None:
    """Compare the variable on the stack; moto does not parse a path into the Context object."""
    path = getattr(function, "value", None)
    if not isinstance(path, str) or not path.startswith("$$") or not _is_path(function.operator_type):
        function.eval(env)
        return
    env.stack.insert(-1, env.states.context_object.context_object_data)
    try:
        OperatorFactory.get(function.operator_type).eval(env=env, value=path[1:])
    except NoSuchJsonPathError as error:
        error.json_path = path
        raise
    del env.stack[-2]


def _is_path(operator: Any) -> bool:
    return str(operator.name).endswith("Path")


def _invalid_path(env: Any, path: str) -> FailureEventException:
    cause = f"Invalid path '{path}': The choice state's condition path references an invalid value."
    return state_failure(env, StatesErrorNameType.StatesRuntime, cause)


def name_unmatched_choices() -> None:
    """Fail with States.NoChoiceMatched without a rule that matches and a default; moto has a Python error."""
    original = state_choice.StateChoice._eval_state

    def evaluate(self: Any, env: Any) -> None:
        try:
            original(self, env)
        except RuntimeError as error:
            raise state_failure(env, StatesErrorNameType.StatesNoChoiceMatched, _NOT_MATCHED) from error

    state_choice.StateChoice._eval_state = evaluate


def check_conditions() -> None:
    """Fail with States.QueryEvaluationError when a condition is not true or false."""

    def evaluate(self: Any, env: Any) -> None:
        self.string_jsonata.eval(env=env)
        result = env.stack[-1]
        if not isinstance(result, bool):
            raise type_failure(env, self.string_jsonata, "boolean", result)

    comparison.ConditionStringJSONata._eval_body = evaluate

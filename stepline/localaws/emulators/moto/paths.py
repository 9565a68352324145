"""Patches moto's JSONPath: what a path returns, and paths into variables."""

from __future__ import annotations

import copy
import functools
import re
from typing import Any, Final

from jsonpath_ng.ext.parser import parse
from jsonpath_ng.jsonpath import Child, Fields, Index, Root
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.intrinsic.argument import argument
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations import (
    boolean_equals,
    numeric,
    string_operators,
    timestamp_operators,
)
from moto.stepfunctions.parser.asl.eval import states
from moto.stepfunctions.parser.asl.eval.variable_store import NoSuchVariable
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from stepline.localaws.emulators.moto.failures import state_failure

_MAX_PATHS: Final = 512
_VARIABLE: Final = re.compile(r"\$(\w+)(.*)", re.DOTALL)


def return_values_of_paths() -> None:
    """Return one value for a path that names one, and a list for one with `*`, `..`, a slice or a filter.

    moto decides by the number of matches, so that `$.list[0]['name']` is a list. It also parses a path at
    each use, which is half of the time that a state takes.
    """
    for module in (
        argument,
        boolean_equals,
        numeric,
        states,
        string_expression,
        string_operators,
        timestamp_operators,
    ):
        module.extract_json = extract
    original = string_expression.StringJsonPath._eval_body

    def evaluate(self: Any, env: Any) -> None:
        try:
            original(self, env)
        except NoSuchJsonPathError as error:
            error.field = env.next_field_name  # which the state's environment does not know any more
            raise

    string_expression.StringJsonPath._eval_body = evaluate


def set_results_by_path() -> None:
    """Fail with States.ResultPathMatchFailure if a result does not fit; moto has a Python error."""

    def evaluate(self: Any, env: Any) -> None:
        state_input = env.states.get_input()
        if self.result_path_src is None:
            env.stack.clear()
            env.stack.append(state_input)
            return
        result = copy.deepcopy(env.stack.pop())
        try:
            env.stack.append(_with_result(_steps(self.result_path_src), state_input, result))
        except _UnsuitableInputError as error:
            cause = (
                f"Unable to apply ReferencePath {self.result_path_src} to input {to_json_str(state_input)}"
            )
            raise state_failure(env, StatesErrorNameType.StatesResultPathMatchFailure, cause) from error

    result_path.ResultPath._eval_body = evaluate


class _UnsuitableInputError(Exception):
    """A part of the input is not what a reference path needs."""


@functools.lru_cache(maxsize=_MAX_PATHS)
def _steps(path: str) -> tuple[str | int, ...]:
    """Return the names and indices of a reference path."""
    if path.startswith("$$"):
        raise _UnsuitableInputError
    steps: list[str | int] = []
    parsed = parse(path)
    while isinstance(parsed, Child):
        last: Any = parsed.right
        steps.append(last.fields[0] if isinstance(last, Fields) else last.indices[0])
        parsed = parsed.left
    return tuple(reversed(steps))


def _with_result(steps: tuple[str | int, ...], data: Any, result: Any) -> Any:
    """Return the data with the result in it; objects that are missing are created."""
    if not steps:
        return result
    step = steps[0]
    if isinstance(step, int):
        if not isinstance(data, list) or not -len(data) <= step < len(data):
            raise _UnsuitableInputError
        data[step] = _with_result(steps[1:], data[step], result)
        return data
    if not isinstance(data, dict):
        raise _UnsuitableInputError
    data[step] = _with_result(steps[1:], data.get(step, {}), result)
    return data


def read_variables_by_path() -> None:
    """Read `$name.member` of a JSONPath state; moto evaluates it as JSONata, which ignores missing values."""

    def evaluate(self: Any, env: Any) -> None:
        parts = _VARIABLE.fullmatch(self.expression)
        name, path = parts.groups() if parts else (self.expression, "")
        try:
            value = env.variable_store.get(name)
            env.stack.append(extract(f"${path}", value) if path else value)
        except NoSuchVariable as error:
            cause = f"The variable '${name}' is not defined."
            raise state_failure(env, StatesErrorNameType.StatesRuntime, cause) from error
        except NoSuchJsonPathError as error:
            error.json_path = self.expression
            raise

    string_expression.StringVariableSample._eval_body = evaluate


def extract(path: str, data: Any) -> Any:
    """Return what a path selects. Raises NoSuchJsonPathError."""
    parsed, is_definite = _parsed(path)
    values = [match.value for match in parsed.find(data)]
    if not is_definite:
        return values
    if not values:
        raise NoSuchJsonPathError(json_path=path, data=data)
    return values[0]


@functools.lru_cache(maxsize=_MAX_PATHS)
def _parsed(path: str) -> tuple[Any, bool]:
    parsed = parse(path)
    return parsed, _is_definite(parsed)


def _is_definite(parsed: Any) -> bool:
    """Return whether a path can select only one value."""
    if isinstance(parsed, Child):
        return _is_definite(parsed.left) and _is_definite(parsed.right)
    if isinstance(parsed, Fields):
        return len(parsed.fields) == 1 and parsed.fields != ("*",)
    if isinstance(parsed, Index):
        return len(parsed.indices) == 1
    return isinstance(parsed, Root)

"""Patches moto's JSONata: it needs a Java machine, and lacks functions of Step Functions."""

from __future__ import annotations

import re
from typing import Any, Final

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils
from moto.stepfunctions.parser.asl.component.common.string import string_expression

from stepline.localaws.emulators.moto import jsonata_functions
from stepline.localaws.emulators.moto.failures import evaluation_failure

_STATES_MEMBERS: Final = ("input", "context", "result", "errorOutput")
_WHOLE_STATES = re.compile(r"\$states(?!\s*\.)")
_EXPRESSION: Final = re.compile(r"\{%\s*(.*?)\s*%\}", re.DOTALL)
_UNKNOWN_LOCATION: Final = ""


def evaluate_jsonata_in_python() -> None:
    """Evaluate expressions in Python, with variables as values and AWS's functions.

    moto writes the variables into the text of the expression, evaluates it with a Java machine that it does
    not contain, and has no `$uuid` and no `$hash`. It refuses `$` everywhere.
    """

    def evaluate(self: Any, env: Any) -> None:
        location = getattr(self, "location", _UNKNOWN_LOCATION)
        env.stack.append(_evaluate(self.expression, _variables(self.expression, env), env, location))

    string_expression.StringJSONata._eval_body = evaluate


def evaluate_template(value: Any, env: Any, location: str) -> Any:
    """Return the value of a field with its expressions evaluated. `location` names the field."""
    if isinstance(value, dict):
        return {name: evaluate_template(item, env, f"{location}/{name}") for name, item in value.items()}
    if isinstance(value, list):
        return [evaluate_template(item, env, f"{location}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, str) or not (found := _EXPRESSION.fullmatch(value)):
        return value
    return _evaluate(found[1], _variables(found[1], env), env, location)


def _evaluate(expression: str, variables: dict[str, Any], env: Any, location: str) -> Any:
    field = f" specified for the field '{location}'" if location else ""
    subject = f"The JSONata expression '{expression}'{field}"
    try:
        parsed = Jsonata(expression)
        parsed.set_output_convert_nulls(False)
        result = parsed.evaluate(None, jsonata_functions.FUNCTIONS | variables)
    except JException as error:
        cause = f"{subject} threw an error during evaluation. {error.error}: {_message(error)}"
        raise evaluation_failure(env, cause, location) from error
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        cause = f"{subject} threw an error during evaluation. {error}"
        raise evaluation_failure(env, cause, location) from error
    if result is None:
        raise evaluation_failure(env, f"{subject} returned nothing (undefined).", location)
    try:
        return _as_json(result)
    except TypeError as error:
        raise evaluation_failure(env, f"{subject} returned an unsupported result type.", location) from error


def _message(error: JException) -> str:
    return "Attempted to invoke a non-function" if error.error == "T1006" else str(error)


def _variables(expression: str, env: Any) -> dict[str, Any]:
    """Return the variables that the expression may use, as JSONata's values."""
    store = env.variable_store
    found = {
        name: _from_json(value)
        for name, value in {**store._outer_scope, **store._inner_scope}.items()
        if f"${name}" in expression
    }
    if "$states" in expression:
        data = env.states._states_data
        uses_all = _WHOLE_STATES.search(expression)
        members = [name for name in _STATES_MEMBERS if uses_all or name in expression]
        found["states"] = {name: _from_json(data.get(name)) for name in members}
    return found


def _from_json(value: Any) -> Any:
    """Return a copy in which null is JSONata's null, not its "undefined"."""
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, dict):
        return {key: _from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    return value


def _as_json(value: Any) -> Any:
    """Return a result as JSON. Raises TypeError for a function or a regular expression."""
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, Utils.RangeList):  # which is empty for everyone who does not use its methods
        return list(range(value.a, value.b + 1))
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, str | bool | int | float):
        return value
    raise TypeError(type(value).__name__)

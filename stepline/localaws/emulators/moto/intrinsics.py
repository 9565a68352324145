"""Replaces moto's intrinsic functions: they lack null, decimals and escapes, and fail with States.Runtime."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringIntrinsicFunction,
    StringVariableSample,
)
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.intrinsic.functionname.state_function_name_types import (
    StatesFunctionNameType,
)
from moto.stepfunctions.parser.asl.parse import preprocessor
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from stepline.localaws.emulators.moto.failures import state_failure
from stepline.localaws.emulators.moto.paths import extract
from stepline.localaws.stepfunctions import intrinsic_functions
from stepline.localaws.stepfunctions.intrinsic_functions import Call, IntrinsicError, Literal, Path


def use_own_intrinsic_functions() -> None:
    """Parse and evaluate intrinsic functions with `stepfunctions.intrinsic_functions`."""

    def visit(_self: Any, ctx: Any) -> Any:
        text = json.loads(ctx.STRINGINTRINSICFUNC().getText())
        return StringIntrinsicFunction(text, _Function(text))

    preprocessor.Preprocessor.visitString_intrinsic_function = visit


class _Function(EvalComponent):  # type: ignore[misc] # moto has no types
    def __init__(self, text: str) -> None:
        self._text = text
        self._call = intrinsic_functions.parse(text)
        # ErrorPath and CausePath check the name.
        self.name = SimpleNamespace(name=getattr(StatesFunctionNameType, self._call.function).name())

    def _field_name(self) -> None:
        """Keep the name of the field that has the function."""

    def _eval_body(self, env: Any) -> None:
        prefix = f"The function '{self._text}' had the following error: "
        try:
            env.stack.append(_value(self._call, env))
        except IntrinsicError as error:
            failure = StatesErrorNameType.StatesIntrinsicFailure
            raise state_failure(env, failure, f"{prefix}{error}") from error
        except NoSuchJsonPathError as error:
            cause = (
                f"The JsonPath argument for the field '{error.json_path}' could not be found in the input "
                f"'{to_json_str(error.data)}'"
            )
            failure = StatesErrorNameType.StatesRuntime
            raise state_failure(env, failure, f"{prefix}{cause}") from error


def _value(argument: Call | Path | Literal, env: Any) -> Any:
    if isinstance(argument, Literal):
        return argument.value
    if isinstance(argument, Call):
        return intrinsic_functions.call(argument, [_value(each, env) for each in argument.arguments])
    if argument.text.startswith("$$"):
        return extract(argument.text[1:], env.states.context_object.context_object_data)
    if argument.text == "$" or argument.text[1] in ".[":
        return extract(argument.text, env.stack[-1])
    StringVariableSample(None, argument.text).eval(env=env)
    return env.stack.pop()

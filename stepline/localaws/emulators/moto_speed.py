"""Patches of moto's interpreter of state machines: what it does again and again, done once or faster.

Simulations run tens of thousands of executions: what a state costs is what they cost.
"""

from __future__ import annotations

import copy
import functools
import json
import marshal
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import state_parallel
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service
from moto.stepfunctions.parser.asl.eval import environment, program_state, states
from moto.stepfunctions.parser.asl.utils import encoding, json_path

_MAX_JSON_PATHS = 512
_MAX_ENCODERS = 8
_MAX_NAMES = 2048
_MARSHAL_OF_TREES = 2
"""The format's last version that repeats what occurs twice, instead of sharing it."""
_UNCHANGEABLE = frozenset({str, int, float, bool, type(None)})


def remember_json_paths() -> None:
    """A path is parsed, and the parser made, at each use: that is half of the time that a state takes."""
    for module in (json_path, result_path):
        module.parse = functools.lru_cache(maxsize=_MAX_JSON_PATHS)(module.parse)


def remember_names_of_fields() -> None:
    """The name of each field of each request and answer is taken apart by a regular expression."""
    names = functools.lru_cache(maxsize=_MAX_NAMES)(state_task_service.camel_to_snake_case)
    state_task_service.camel_to_snake_case = names


def copy_data_as_json() -> None:
    """Each state copies its data seven times, with a copier for graphs of objects: JSON is a tree."""
    facade = SimpleNamespace(deepcopy=_copied)
    for module in (
        environment,
        execute_state,
        result_path,
        state_parallel,
        state_task_service,
        states,
        string_expression,
    ):
        module.copy = facade


def _copied(value: Any) -> Any:
    kind = type(value)
    if kind in _UNCHANGEABLE:
        return value
    if kind is dict or kind is list:
        try:
            # Nothing copies JSON faster; and what is loaded was written on the same line.
            return marshal.loads(marshal.dumps(value, _MARSHAL_OF_TREES))  # noqa: S302
        except ValueError:  # there is something else than JSON inside
            return copy.deepcopy(value)
    if isinstance(value, program_state.ProgramState):
        return _copied_state(value)
    return copy.deepcopy(value)


def _copied_state(state: Any) -> Any:
    """How far a program is: a few names and texts."""
    copied = object.__new__(type(state))
    copied.__dict__.update(state.__dict__)
    return copied


def write_json_as_aws() -> None:
    """Text beyond ASCII counts and reads as `\\uXXXX`: data are UTF-8, in limits, histories and outputs.

    And the encoder, which has no state, is made anew for each text.
    """

    def dumps(value: Any, *, cls: Any, separators: tuple[str, str] | None) -> str:
        text: str = encoder(cls, ensure_ascii=False, separators=separators).encode(value)
        return text

    @functools.lru_cache(maxsize=_MAX_ENCODERS)
    def encoder(cls: Any, **settings: Any) -> Any:
        return cls(**settings)

    encoding.json = SimpleNamespace(dumps=dumps, JSONEncoder=json.JSONEncoder)

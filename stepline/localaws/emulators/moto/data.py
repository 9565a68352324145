"""Patches how moto handles the data of state machines: it writes ASCII, and is slow.

Simulations run tens of thousands of executions, so the time that a state takes matters.
"""

from __future__ import annotations

import copy
import datetime
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
from moto.stepfunctions.parser.asl.utils import encoding

_MAX_ENCODERS = 8
_MAX_NAMES = 2048
_MARSHAL_OF_TREES = 2
"""The last version of the format that writes an object twice if it occurs twice, instead of sharing it."""
_IMMUTABLE = frozenset({str, int, float, bool, type(None)})


def aws_time(moment: datetime.datetime) -> str:
    """Return a time in the format of a state machine's data: `2026-01-31T12:00:00.000Z`."""
    return (
        moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )


def write_json_as_utf8() -> None:
    """Write text beyond ASCII as UTF-8, also in limits and histories; moto writes it as `\\uXXXX`.

    moto also creates an encoder, which has no state, for each text.
    """

    def dumps(value: Any, *, cls: Any, separators: tuple[str, str] | None) -> str:
        text: str = encoder(cls, ensure_ascii=False, separators=separators).encode(value)
        return text

    @functools.lru_cache(maxsize=_MAX_ENCODERS)
    def encoder(cls: Any, **settings: Any) -> Any:
        return cls(**settings)

    encoding.json = SimpleNamespace(dumps=dumps, JSONEncoder=json.JSONEncoder)


def cache_field_names() -> None:
    """Cache field names; moto converts each name of each request and response by a regular expression."""
    names = functools.lru_cache(maxsize=_MAX_NAMES)(state_task_service.camel_to_snake_case)
    state_task_service.camel_to_snake_case = names


def copy_data_as_json() -> None:
    """Copy data as a tree of JSON; moto copies it seven times for each state, as a graph of objects."""
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
    if kind in _IMMUTABLE:
        return value
    if kind is dict or kind is list:
        try:
            # The fastest way to copy JSON; the bytes that are loaded were written on the same line.
            return marshal.loads(marshal.dumps(value, _MARSHAL_OF_TREES))  # noqa: S302
        except ValueError:  # something in it is not JSON
            return copy.deepcopy(value)
    if isinstance(value, program_state.ProgramState):
        copied = object.__new__(type(value))
        copied.__dict__.update(value.__dict__)
        return copied
    return copy.deepcopy(value)

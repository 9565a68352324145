"""Loads the interpreter of state machines when it is first needed.

Importing it takes most of a second, which `stepline up` need not wait for.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepline.localaws.stepfunctions.interpreter import Interpretation, TaskClients
from stepline.localaws.stepfunctions.models import Execution, MachineType

if TYPE_CHECKING:
    from stepline.localaws.emulators import moto_interpreter

_loading = threading.Lock()


@dataclass(frozen=True)
class MotoInterpreter:
    """Runs state machines on moto's interpreter; implements `stepfunctions.interpreter.Interpreter`."""

    def find_error(self, definition: str, machine_type: MachineType) -> str | None:
        return load_interpreter().find_error(definition, machine_type)

    def interpret(
        self, execution: Execution, *, task_clients: TaskClients, account_id: str, region: str
    ) -> Interpretation:
        return load_interpreter()(execution, clients=task_clients, account_id=account_id, region=region)


def load_interpreter() -> type[moto_interpreter.Interpretation]:
    """The interpreter, patched and ready."""
    with _loading:
        return _load()


@functools.cache
def _load() -> type[moto_interpreter.Interpretation]:
    with _without_batch_backend():
        from stepline.localaws.emulators import moto_interpreter  # noqa: PLC0415 - that is the point
    return moto_interpreter.Interpretation


@contextmanager
def _without_batch_backend() -> Iterator[None]:
    """moto's Batch task imports one enumeration, and with it the whole of EC2: a second.

    A bare package stands in for `moto.batch` meanwhile; whoever imports it later gets the real one.
    """
    spec = importlib.util.find_spec("moto")
    if "moto.batch" in sys.modules or spec is None:
        yield
        return
    package = types.ModuleType("moto.batch")
    package.__path__ = [f"{path}/batch" for path in spec.submodule_search_locations or []]
    sys.modules["moto.batch"] = package
    try:
        yield
    finally:
        sys.modules.pop("moto.batch", None)

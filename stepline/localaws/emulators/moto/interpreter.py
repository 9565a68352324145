"""The interpreter of state machines, which loads moto's engine when it is first needed."""

from __future__ import annotations

import functools
import importlib.util
import sys
import threading
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stepline.localaws.stepfunctions.activities import Activity
from stepline.localaws.stepfunctions.interpreter import HttpConnections, TaskClients, no_connections
from stepline.localaws.stepfunctions.models import Execution, MachineType

if TYPE_CHECKING:
    from stepline.localaws.emulators.moto import interpretation

_loading = threading.Lock()


class MotoInterpreter:
    """Implements `stepfunctions.interpreter.Interpreter`.

    `http_connections` returns what an EventBridge connection adds to the requests of HTTP tasks.
    """

    def __init__(self, http_connections: HttpConnections = no_connections) -> None:
        self._http_connections = http_connections

    def find_error(self, definition: str, machine_type: MachineType) -> str | None:
        return load_engine().find_error(definition, machine_type)

    def interpret(
        self,
        execution: Execution,
        *,
        task_clients: TaskClients,
        activities: Mapping[str, Activity],
        account_id: str,
        region: str,
    ) -> interpretation.MotoInterpretation:
        return load_engine()(
            execution,
            task_clients=task_clients,
            http_connections=self._http_connections,
            activities=activities,
            account_id=account_id,
            region=region,
        )


def load_engine() -> type[interpretation.MotoInterpretation]:
    """Import moto's engine and apply the patches, once."""
    with _loading:
        return _load()


@functools.cache
def _load() -> type[interpretation.MotoInterpretation]:
    with _without_batch_backend():
        from stepline.localaws.emulators.moto import interpretation  # noqa: PLC0415 - slow
    return interpretation.MotoInterpretation


@contextmanager
def _without_batch_backend() -> Iterator[None]:
    """Replace `moto.batch` by an empty package for a moment.

    moto's Batch task imports one enumeration from it, and with it all of EC2, which takes a second. Later
    imports get the real package.
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

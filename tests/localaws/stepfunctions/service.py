"""Builds the local Step Functions for tests, on the interpreter that the local AWS uses."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from stepline.localaws.clock import Clock, VirtualClock
from stepline.localaws.context import Context
from stepline.localaws.emulators.moto.interpreter import MotoInterpreter
from stepline.localaws.events import AwsEvent, EventSink
from stepline.localaws.stepfunctions import StepFunctions
from stepline.localaws.stepfunctions.interpreter import HttpConnections, TaskClients, no_connections


def _no_client(service: str) -> Any:
    raise AssertionError(f"a task called {service}, for which the test has no client")


def _ignore(_event: AwsEvent) -> None:
    """Ignore an event."""


def build_stepfunctions(
    clock: Clock | None = None,
    task_clients: TaskClients = _no_client,
    *,
    events: EventSink = _ignore,
    state_machines: MutableMapping[str, dict[str, Any]] | None = None,
    http_connections: HttpConnections = no_connections,
) -> StepFunctions:
    """Build the service, by default on a virtual clock of its own."""
    return StepFunctions(
        Context(clock or VirtualClock(), events),
        interpreter=MotoInterpreter(http_connections),
        task_clients=task_clients,
        state_machines=state_machines,
    )

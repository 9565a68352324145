"""A system besides the pipeline, from its start to its end, with everything that a schedule lets happen.

Functions, with their time-outs and variables, and state machines come from the system's `template.yaml`.
"""

from __future__ import annotations

import functools
import json
import os
import random
import sys
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from unittest import mock

from tests.faults.functions import Functions, Invocation
from tests.faults.network import Network
from tests.faults.pipeline_parts import ROLE
from tests.faults.schedule import Fault, Schedule
from tests.faults.task_calls import TaskCalls
from tests.faults.world import World
from tests.in_process_functions import Handler
from tests.localaws.stepfunctions.service import build_stepfunctions
from tests.system_template import Function, machine_arn

if TYPE_CHECKING:
    from tests.faults.system_scenario import SystemScenario

DELIVERY_SECONDS = (0, 60, 120)
"""When Lambda invokes a function asynchronously, counted from the invocation before, if that failed."""


class SystemWorld(World):
    """`responses` are those to the caller of the scenario. `delivered`: (function, event) of asynchronous
    events.

    `notes` is for a scenario to keep something until the end. `denied_tasks`: the parameters of denied calls
    of Task states.
    """

    def __init__(self, network: Network, schedule: Schedule, scenario: SystemScenario) -> None:
        super().__init__(network, schedule)
        self.scenario = scenario
        self.responses: list[str] = []
        self.delivered: list[tuple[str, Any]] = []
        self.notes: dict[str, Any] = {}
        self.denied_tasks: list[str] = []
        self._task_calls: dict[str, TaskCalls] = {}
        template = scenario.template()
        self.functions = Functions(
            {name: _in_environment(function) for name, function in template.functions.items()},
            {name: function.timeout_seconds for name, function in template.functions.items()},
        )
        self.stepfunctions = build_stepfunctions(self.clock, self.task_client, events=self.events.append)
        definitions = template.machines()
        for name, definition in definitions.items():
            self.stepfunctions.create_state_machine({"name": name, "definition": definition, "roleArn": ROLE})
        self.machines = tuple(map(machine_arn, definitions))
        self.services = {"s3": self.s3, "stepfunctions": self.stepfunctions, **scenario.services(self)}

    def task_client(self, service: str) -> Any:
        if service not in self._task_calls:
            make = self.scenario.task_clients.get(service)
            client = make(self) if make else self.functions
            self._task_calls[service] = TaskCalls(self, service, client)
        return self._task_calls[service]

    def run(self) -> None:
        """Run the scenario until nothing is left to do."""
        new_uuid: Callable[[], uuid.UUID] = functools.partial(_uuid, random.Random(0))
        with self._process({}), mock.patch.object(uuid, "uuid4", new_uuid):
            for cached in _cached_functions(len(sys.modules)):
                cached.cache_clear()
            self.scenario.act(self)
            self.settle()
            self._apply_late_faults()
            self.stepfunctions.close()

    # ---------------------------------------------------------------- what a scenario does

    def bucket(self, logical_id: str) -> str:
        return logical_id.lower()

    def deliver(self, function: str, event: Any) -> None:
        """Invoke a function asynchronously, as EventBridge and S3 do: after an error up to two more times."""
        self.delivered.append((function, event))
        for seconds in DELIVERY_SECONDS:
            self.clock.advance(seconds)
            if not self.invoke(function, event).error:
                return

    def call(self, function: str, event: Any) -> Any:
        """Invoke a function, as API Gateway and CloudFormation do; return its result, or None."""
        invocation = self.invoke(function, event)
        return None if invocation.error else invocation.result

    def invoke(self, function: str, event: Any) -> Invocation:
        invocation = Invocation(function, event, self.functions.timeouts[function])
        result, _error = self.functions.run(invocation)
        invocation.result = json.loads(result)
        return invocation

    def start(self, machine: str, document: Any, *, name: str = "one") -> None:
        """Start an execution, as a user does."""
        self.stepfunctions.start_execution(
            {"stateMachineArn": machine_arn(machine), "name": name, "input": json.dumps(document)}
        )

    def fault_at(self, number: int) -> Fault | None:
        """Return the fault that the schedule has for a call."""
        return self._injections.get(number)

    def late_events(self) -> list[tuple[str, Any]]:
        return self.delivered


@functools.cache
def _cached_functions(_modules: int) -> list[Any]:
    """Return the cached functions of the systems, whose results live as long as a container of Lambda's.

    They are searched for again when another number of modules is imported.
    """
    systems = [module for name, module in sys.modules.items() if name.startswith("statemachines.")]
    return [item for module in systems for item in vars(module).values() if hasattr(item, "cache_clear")]


def _in_environment(function: Function) -> Handler:
    def run(event: Any, context: Any) -> Any:
        with mock.patch.dict(os.environ, function.environment):
            return function.handler(event, context)

    return run


def _uuid(dice: random.Random) -> uuid.UUID:
    """Return the same sequence of ids in each run."""
    return uuid.UUID(int=dice.getrandbits(128), version=4)

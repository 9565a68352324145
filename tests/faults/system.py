"""A system beside the pipeline, from its beginning to its end, with everything that a schedule lets happen.

A system joins with one file: `tests/faults/ways_<system>.py` (`ways_s3_trigger.py`), which has `WAYS`, a
tuple of `Way`s. Functions, with their time-outs and variables, and state machines come from the system's
`template.yaml`; nothing is described twice. A way says how it begins, with the means of `SystemWorld`:

    def begin(world: SystemWorld) -> None:
        world.s3.put(world.bucket("TargetBucket"), "a.txt", b"text")
        world.deliver("StartExecutionFunction", EVENT)

    WAYS = (Way("s3_trigger", "notification", begin),)

`make faults ARGS="--way s3_trigger/notification"` then tries it; `system_invariants.py` says what is checked.
"""

from __future__ import annotations

import functools
import json
import os
import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from tests.faults import task_calls
from tests.faults.deployed import Deployed, Function, machine_arn, remembered
from tests.faults.functions import Functions, Invocation
from tests.faults.kinds import CLASSES, Fault, Schedule
from tests.faults.network import Network
from tests.faults.surroundings import ROLE, S3
from tests.faults.task_calls import TaskCalls
from tests.faults.world import MAX_STEPS, Service, World
from tests.in_process_functions import Handler
from tests.localaws.stepfunctions.service import build_stepfunctions

DELIVERIES_SECONDS = (0, 60, 120)
"""When Lambda runs an asynchronous event, counted from the run before, if that failed."""


class SystemWorld(World):
    """`answers`: what whoever began it was told. `delivered`: (function, event) of asynchronous events.

    `memory`: what a way's beginning wants to be known in the end. `denied_tasks`: the parameters of what
    Task states were denied.
    """

    def __init__(self, network: Network, schedule: Schedule, way: Way) -> None:
        super().__init__(network, schedule)
        self.way = way
        self.s3 = S3()
        self.answers: list[str] = []
        self.delivered: list[tuple[str, Any]] = []
        self.memory: dict[str, Any] = {}
        self.denied_tasks: list[str] = []
        self._task_calls: dict[str, TaskCalls] = {}
        deployed = way.deployed
        found = deployed.functions()
        self.functions = Functions(
            {name: _in_environment(function) for name, function in found.items()},
            {name: function.timeout_seconds for name, function in found.items()},
        )
        self.stepfunctions = build_stepfunctions(self.clock, self.task_client, events=self.events.append)
        definitions = deployed.machines()
        for name, definition in definitions.items():
            self.stepfunctions.create_state_machine({"name": name, "definition": definition, "roleArn": ROLE})
        self.machines = tuple(map(machine_arn, definitions))
        self.services = {"s3": self.s3, "stepfunctions": self.stepfunctions, **way.services(self)}

    def task_client(self, service: str) -> Any:
        if service not in self._task_calls:
            make = self.way.task_clients.get(service)
            client = make(self) if make else self.functions
            self._task_calls[service] = TaskCalls(self, service, client)
        return self._task_calls[service]

    def run(self) -> None:
        """Everything, until nothing is left to do."""
        numbers = random.Random(0)
        fresh: Callable[[], uuid.UUID] = functools.partial(_uuid, numbers)
        with self._process_with({}, remembered), mock.patch.object(uuid, "uuid4", fresh):
            self.way.begin(self)
            self.settle()
            self._after_the_end()
            self.stepfunctions.close()

    # ------------------------------------------------------------------ how a way begins

    def bucket(self, logical_id: str) -> str:
        return logical_id.lower()

    def deliver(self, function: str, event: Any) -> None:
        """Invoke asynchronously, as EventBridge and S3 do: what fails is run again, up to twice."""
        self.delivered.append((function, event))
        for seconds in DELIVERIES_SECONDS:
            self.clock.advance(seconds)
            if not self.invoke(function, event).error:
                return

    def call(self, function: str, event: Any) -> Any:
        """Invoke and wait for the answer, as API Gateway and CloudFormation do; None if it broke."""
        run = self.invoke(function, event)
        return None if run.error else run.answer

    def invoke(self, function: str, event: Any) -> Invocation:
        run = Invocation(function, event, self.functions.timeouts[function])
        result, _error = self.functions.run(run)
        run.answer = json.loads(result)
        return run

    def start(self, machine: str, document: Any, *, name: str = "one") -> None:
        """StartExecution, by a user."""
        self.stepfunctions.start_execution(
            {"stateMachineArn": machine_arn(machine), "name": name, "input": json.dumps(document)}
        )

    def fault_at(self, number: int) -> Fault | None:
        """What the schedule lets happen at that call."""
        return self._injections.get(number)

    def happen(self, fault: Fault) -> None:
        """From outside, now."""
        self._from_outside(fault, None)

    def settle(self) -> None:
        """Let everything come to its end."""
        self.clock.run(max_steps=MAX_STEPS)

    def late_events(self) -> list[tuple[str, Any]]:
        return self.delivered


def _nothing(_world: SystemWorld) -> Iterable[str]:
    return ()


def _no_services(_world: SystemWorld) -> Mapping[str, Service]:
    return {}


@dataclass(frozen=True)
class Way:
    """One way through a system; its name is `<system>/<case>`, `system` being the folder of `statemachines/`.

    `begin`         does what a user or AWS does, and tells what came back by `world.answers.append`
    `left`          what is stored in the end, one text each: nothing transient may change it
    `always`        what does not hold, in words, of what must hold for this way besides
    `concerns`      whether an execution belongs to what is told in `answers`, as all do by default
    `parameters`    of the template, where not the defaults
    `services`      fakes of further AWS services that the functions call, by botocore's names
    `task_clients`  clients of Task states that are no functions, such as "batch"
    `synchronous`   functions whose caller waits for them: nobody runs the same event twice
    `never`         faults that this system cannot meet, each with its reason beside it
    `secrets`       of the user's data: must be in no log
    `is_steady`     whether transient trouble, however long a call has it, must change nothing in the end
    """

    system: str
    case: str
    begin: Callable[[SystemWorld], None]
    left: Callable[[SystemWorld], Iterable[str]] = _nothing
    always: Callable[[SystemWorld], Iterable[str]] = _nothing
    concerns: Callable[[SystemWorld, Any], bool] = lambda _world, _execution: True
    parameters: Mapping[str, str] = field(default_factory=dict)
    services: Callable[[SystemWorld], Mapping[str, Service]] = _no_services
    task_clients: Mapping[str, Callable[[SystemWorld], Any]] = field(default_factory=dict)
    synchronous: frozenset[str] = frozenset()
    never: frozenset[Fault] = frozenset()
    secrets: tuple[str, ...] = ()
    is_steady: bool = True

    @property
    def name(self) -> str:
        return f"{self.system}/{self.case}"

    @property
    def deployed(self) -> Deployed:
        return Deployed(self.system, tuple(sorted(self.parameters.items())))

    def simulation(self, network: Network, schedule: Schedule) -> SystemWorld:
        return SystemWorld(network, schedule, self)

    def ending(self, simulation: SystemWorld) -> Ending:
        return Ending(
            executions=tuple(
                sorted(
                    f"{item.machine.name} {item.status.value} {item.error or ''}"
                    for item in simulation.executions
                    if self.concerns(simulation, item)
                )
            ),
            answers=tuple(simulation.answers),
            left=tuple(self.left(simulation)),
        )

    def violations(self, simulation: SystemWorld, expected: Ending) -> list[str]:
        from tests.faults import system_invariants  # noqa: PLC0415 - which is about this module

        return system_invariants.violations(simulation, expected)

    def tell(self, simulation: SystemWorld) -> list[str]:
        return simulation.answers

    def classes(self, function: str) -> Mapping[str, tuple[Fault, ...]]:
        excluded = set(CLASSES["pipeline"]) | self.never
        if function.startswith(task_calls.PREFIX):
            excluded |= set(Fault) - task_calls.possible(function)
        elif function in self.synchronous:
            excluded |= set(CLASSES["repeated"])
        found = {
            name: tuple(fault for fault in faults if fault not in excluded)
            for name, faults in CLASSES.items()
        }
        return {name: faults for name, faults in found.items() if faults}

    def is_common(self, _functions: tuple[str, ...]) -> bool:
        return False


@dataclass(frozen=True)
class Ending:
    """How a way ended, as far as nothing transient may change it."""

    executions: tuple[str, ...]
    answers: tuple[str, ...]
    left: tuple[str, ...]


def _in_environment(function: Function) -> Handler:
    def run(event: Any, context: Any) -> Any:
        with mock.patch.dict(os.environ, function.environment):
            return function.handler(event, context)

    return run


def _uuid(numbers: random.Random) -> uuid.UUID:
    """The same ones in each run."""
    return uuid.UUID(int=numbers.getrandbits(128), version=4)

"""Functions that call AWS, and what a schedule lets happen to their calls: what all simulations share.

Real: the handlers and their AWS clients, the state machines, the local Step Functions. Fake: Lambda, the
network, time, and whatever services a simulation gives. `simulation.py` is the pipeline; `system.py` is
any other system.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from stepline.localaws.clock import VirtualClock
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import AwsError, JsonService
from stepline.localaws.stepfunctions import StepFunctions
from tests.faults import functions
from tests.faults.functions import Call, Functions, Invocation
from tests.faults.kinds import Fault, Schedule
from tests.faults.logs import captured_logs
from tests.faults.network import ENVIRONMENT, Direct, Network, Operation, Receiver, Reply
from tests.faults.wire import bytes_of, cut_short, metadata, present, refusal, text_of, throttle
from tests.pipeline.fake_s3 import FakeS3
from tests.statemachines.fake_client import FakeAwsError, FakeService

MAX_STEPS = 5_000
"""Of the clock, until nothing is left to do."""

Service = FakeS3 | FakeService | JsonService


class World(Receiver):
    """A subclass sets `functions`, `stepfunctions`, `services` and `machines`, and says how it begins."""

    functions: Functions
    stepfunctions: StepFunctions
    services: Mapping[str, Service]
    """By botocore's name."""
    machines: tuple[str, ...]
    """ARNs of the state machines whose executions are looked at."""

    def __init__(self, network: Network, schedule: Schedule) -> None:
        self.schedule = schedule
        self.clock = VirtualClock()
        self.calls: list[Call] = []
        self.events: list[AwsEvent] = []
        self.log = io.StringIO()
        self.started: list[str] = []
        self.denied: set[Operation] = set()
        self._network = network
        self._injections = {injection.call: injection.fault for injection in schedule.injections}

    def task_client(self, _service: str) -> Any:
        """What Task states call."""
        return self.functions

    # ------------------------------------------------------------------ running

    @contextlib.contextmanager
    def _process_with(
        self, environment: Mapping[str, str], caches: Callable[[], Iterator[Any]]
    ) -> Iterator[None]:
        """The functions' process: their variables and clients, nothing remembered in `caches`."""
        random.seed(0)  # the jitter of retries
        warnings.filterwarnings("ignore", message="No application metrics to publish")
        with (
            mock.patch.dict(os.environ, {**ENVIRONMENT, **environment}),
            captured_logs(self.log),
            self._network.connect(self),
        ):
            for cached in caches():
                cached.cache_clear()
            yield

    def _after_the_end(self) -> None:
        """What a schedule has planned for later than the last call."""
        for injection in self.schedule.injections:
            if injection.call > len(self.calls):
                self._from_outside(injection.fault, None)
                self.clock.run(max_steps=MAX_STEPS)

    def function_clock(self) -> float:
        """The time inside a function, which goes on while it waits for AWS."""
        running = self.functions.running
        return self.clock.now().timestamp() + (running[-1].elapsed_seconds if running else 0)

    # ------------------------------------------------------------------ the network

    @property
    def running(self) -> Invocation:
        return self.functions.running[-1]

    def begin(self, operation: Operation, parameters: dict[str, Any]) -> Direct | None:
        invocation = self.running
        if invocation.dead:
            raise invocation.dead
        position = len(invocation.made) + 1
        call = Call(len(self.calls) + 1, position, invocation.function, operation, parameters)
        invocation.made.append(call)
        self.calls.append(call)
        return None if self._goes_over_http(call) else self._direct(call)

    def _goes_over_http(self, call: Call) -> bool:
        """Where nothing happens on the way, it need not be gone: it takes two thirds of a call's time."""
        is_hit = call.number in self._injections or call.operation in self.denied
        return is_hit or isinstance(self._service(call), FakeS3)

    def slept(self, seconds: float) -> None:
        self.running.spend(seconds)

    def attempt(self, http: AWSPreparedRequest) -> Reply:
        invocation = self.running
        call = invocation.made[-1]
        call.attempts += 1
        fault = self._injections.get(call.number)
        serve = functools.partial(self._serve, call, http)
        if fault is None or (fault.is_once and call.attempts > 1):
            return serve()
        return self._faulty(fault.lasting, invocation, call, serve)

    def _faulty(self, fault: Fault, invocation: Invocation, call: Call, serve: Callable[[], Reply]) -> Reply:
        operation = call.operation
        match fault:
            case Fault.THROTTLED:
                return throttle(operation)
            case Fault.SERVER_ERROR:
                return refusal(operation, 500, "InternalError")
            case Fault.CONNECTION_REFUSED:
                raise EndpointConnectionError(endpoint_url="the endpoint")
            case Fault.TIMED_OUT_BEFORE:
                invocation.spend(operation.read_seconds)
                raise ReadTimeoutError(endpoint_url="the endpoint")
            case Fault.TIMED_OUT_AFTER:
                serve()
                invocation.spend(operation.read_seconds)
                raise ReadTimeoutError(endpoint_url="the endpoint")
            case Fault.CUT_SHORT:
                return cut_short(operation, serve())
            case Fault.KILLED_BEFORE:
                invocation.kill(functions.crash())
            case Fault.KILLED_AFTER:
                serve()
                invocation.kill(functions.crash())
            case Fault.FUNCTION_TIMED_OUT_BEFORE:
                invocation.spend(invocation.timeout_seconds)
            case Fault.FUNCTION_TIMED_OUT_AFTER:
                serve()
                invocation.spend(invocation.timeout_seconds)
            case Fault.ACCESS_DENIED:
                self.denied.add(operation)
            case Fault.REPEATED_AFTER:
                reply = serve()
                if call.attempts == 1:
                    self._repeat(invocation.function, invocation.event)
                return reply
            case _ if call.attempts == 1:
                self._from_outside(fault, invocation)
        return serve()

    def _from_outside(self, fault: Fault, invocation: Invocation | None) -> None:
        match fault:
            case Fault.REPEATED_BEFORE if invocation is not None:
                self._repeat(invocation.function, invocation.event)
            case Fault.LATE:
                for function, event in self.late_events():
                    self._repeat(function, event)
            case Fault.EXECUTION_STOPPED:
                for arn in self.execution_arns:
                    self.stepfunctions.stop_execution({"executionArn": arn, "cause": "stopped by hand"})
            case Fault.EXECUTION_EXPIRED:
                for machine in self.machines:
                    self.stepfunctions._executions.delete(machine)
            case Fault.EXECUTION_REDRIVEN:
                for arn in self.execution_arns:
                    with contextlib.suppress(AwsError):  # it runs, or has succeeded
                        self.stepfunctions.redrive_execution({"executionArn": arn})

    def late_events(self) -> list[tuple[str, Any]]:
        """(function, event) of what AWS delivers at least once, and so may deliver once more."""
        raise NotImplementedError

    def _repeat(self, function: str, event: Any) -> None:
        """A second run of the function, from beginning to end, at this moment of the first."""
        timeout_seconds = self.functions.timeouts[function]
        self.functions.run(Invocation(function, event, timeout_seconds, is_repeat=True))

    # ------------------------------------------------------------------ the services

    def _serve(self, call: Call, http: AWSPreparedRequest) -> Reply:
        operation, service = call.operation, self._service(call)
        if operation in self.denied:
            self.running.denied.append(operation)
            return refusal(operation, 403, "AccessDenied")
        if isinstance(service, FakeS3):
            stored = service.handle(http)
            return Reply(stored.status_code, stored.raw.read(), dict(stored.headers))
        if isinstance(service, FakeService):
            return self._parsed(call)
        headers = {name.lower(): text_of(value) for name, value in http.headers.items()}
        before = len(self.executions)
        response = service.handle(headers, bytes_of(http.body))
        if response.status == 200:
            self._note(call, before)
        return Reply(response.status, response.body, dict(response.headers))

    def _direct(self, call: Call) -> Direct:
        """What the call comes to, without the way over HTTP."""
        call.attempts = 1
        try:
            answer = self._answered(call)
        except (FakeAwsError, AwsError) as error:
            details = {"Error": {"Code": error.code, "Message": error.message}}
            return SimpleNamespace(status_code=error.status), details | metadata(error.status)
        return SimpleNamespace(status_code=200), {**present(answer), **metadata(200)}

    def _answered(self, call: Call) -> Mapping[str, Any]:
        model, service = self._network.model(call.operation), self._service(call)
        if isinstance(service, FakeService):
            return service.answer(model, dict(call.parameters))
        assert isinstance(service, JsonService)
        before = len(self.executions)
        answer = service.call(model, dict(call.parameters))
        self._note(call, before)
        return answer or {}

    def _service(self, call: Call) -> Service:
        return self.services[call.operation.service]

    def _note(self, call: Call, executions_before: int) -> None:
        """What a call that was taken has started."""
        if len(self.executions) > executions_before:
            self.started.append(f"{call.parameters['stateMachineArn']} {call.parameters['name']}")

    def _parsed(self, call: Call) -> Reply:
        """Of a service without HTTP."""
        try:
            parsed = dict(self._answered(call))
        except FakeAwsError as error:
            return refusal(call.operation, error.status, error.code, error.message)
        return Reply(body=f"<Answer><{call.operation.name}Result/></Answer>".encode(), parsed=parsed)

    # ------------------------------------------------------------------ what happened

    @property
    def execution_arns(self) -> list[str]:
        return [execution.arn for execution in self.executions]

    @property
    def executions(self) -> list[Any]:
        """The latest of each machine first."""
        executions = self.stepfunctions._executions
        return [execution for machine in self.machines for execution in executions.list(machine)]

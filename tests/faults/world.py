"""Functions that call AWS, and what a schedule lets happen to their calls: the base of all simulated worlds.

Real: the handlers and their AWS clients, the state machines, the local Step Functions. Simulated: Lambda, the
network, time. Fake: the services that a subclass provides.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from statemachines.approvals import current_time
from stepline.localaws.clock import VirtualClock
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import AwsError, JsonService
from stepline.localaws.stepfunctions import StepFunctions
from tests.fakes.clients import Response, present, response_of
from tests.fakes.cloudformation.change_sets import FakeCloudFormation
from tests.fakes.s3 import FakeS3
from tests.fakes.service import FakeService
from tests.fakes.versions import View
from tests.faults import functions, stale
from tests.faults.functions import Call, Functions, Invocation
from tests.faults.logs import captured_logs
from tests.faults.network import ENVIRONMENT, Network, Operation, Receiver, Reply
from tests.faults.schedule import Fault, Schedule
from tests.faults.sites import is_possible
from tests.faults.wire import bytes_of, cut_short, error_reply, text_of, throttle

MAX_STEPS = 5_000
"""The steps of the clock until nothing is left to do."""

PAUSE_SECONDS = 60
LONG_CALL_SECONDS = 325
"""Of StartSyncExecution: an Express execution takes 300 s at most, and its response comes later."""

REPEATED_AFTER_SECONDS = 320
"""So long after the start of a long call its event is delivered again."""

Service = FakeS3 | JsonService


class World(Receiver):
    """A subclass sets the attributes without values, and runs a scenario.

    `services` by botocore's names; `machines` are the ARNs of the state machines whose executions are listed;
    `started` has one entry for each StartExecution that started one. `denied` are the operations that are
    denied from now on, `denials` those of the calls that were denied.
    """

    functions: Functions
    stepfunctions: StepFunctions
    services: Mapping[str, Service]
    machines: tuple[str, ...]

    def __init__(self, network: Network, schedule: Schedule) -> None:
        self.schedule = schedule
        self.clock = VirtualClock()
        self.s3 = FakeS3()
        self.calls: list[Call] = []
        self.events: list[AwsEvent] = []
        self.log = io.StringIO()
        self.started: list[str] = []
        self.denied: set[Operation] = set()
        self.denials: list[Operation] = []
        self._network = network
        self._injections = {injection.call: injection.fault for injection in schedule.injections}

    def task_client(self, _service: str) -> Any:
        """Return the client with which Task states call a service."""
        return self.functions

    # ---------------------------------------------------------------- running

    @contextlib.contextmanager
    def _process(self, environment: Mapping[str, str]) -> Iterator[None]:
        """The process of the functions: their variables and clients."""
        random.seed(0)  # the jitter of retries
        warnings.filterwarnings("ignore", message="No application metrics to publish")
        with (
            mock.patch.dict(os.environ, {**ENVIRONMENT, **environment}),
            mock.patch.object(current_time, "now", self._function_time),
            captured_logs(self.log),
            self._network.connect(self),
        ):
            yield

    def settle(self) -> None:
        """Run until nothing is left to do."""
        self.clock.run(max_steps=MAX_STEPS)

    def _apply_late_faults(self) -> None:
        """Apply the faults of the schedule that are later than the last call."""
        for injection in self.schedule.injections:
            if injection.call > len(self.calls):
                self.apply(injection.fault)
                self.settle()

    def function_clock(self) -> float:
        """Return the time inside a function, which continues while it waits for AWS."""
        running = self.functions.running
        passed = running[-1].offset_seconds + running[-1].elapsed_seconds if running else 0
        return self.clock.now().timestamp() + passed

    def _function_time(self) -> datetime:
        return datetime.fromtimestamp(self.function_clock(), UTC)

    # ---------------------------------------------------------------- the network

    @property
    def invocation(self) -> Invocation:
        """The innermost invocation that is running."""
        return self.functions.running[-1]

    def start_call(self, operation: Operation, parameters: dict[str, Any]) -> Response | None:
        invocation = self.invocation
        if invocation.killed:
            raise invocation.killed
        position = len(invocation.calls) + 1
        call = Call(len(self.calls) + 1, position, invocation.function, operation, parameters)
        invocation.calls.append(call)
        self.calls.append(call)
        return None if self._needs_http(call) else self._respond(call)

    def _needs_http(self, call: Call) -> bool:
        """Return whether something may happen on the network: HTTP takes two thirds of the time of a call."""
        is_hit = call.number in self._injections or call.operation in self.denied
        return is_hit or isinstance(self._service(call), FakeS3)

    def sleep(self, seconds: float) -> None:
        self.invocation.spend(seconds)

    def attempt(self, http: AWSPreparedRequest) -> Reply:
        invocation = self.invocation
        call = invocation.calls[-1]
        call.attempts += 1
        fault = self._injections.get(call.number)
        serve = functools.partial(self._serve, call, http)
        is_over = fault is not None and fault.is_once and call.attempts > 1
        if fault is None or is_over or not is_possible(fault, call.operation.name, call.operation.role):
            return serve()
        return self._fail(fault.lasting, invocation, call, serve)

    def _fail(self, fault: Fault, invocation: Invocation, call: Call, serve: Callable[[], Reply]) -> Reply:
        operation = call.operation
        match fault:
            case Fault.THROTTLED:
                return throttle(operation)
            case Fault.SERVER_ERROR:
                return error_reply(operation, 500, "InternalError")
            case Fault.SERVER_ERROR_AFTER:
                serve()
                return error_reply(operation, 500, "InternalError")
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
            case Fault.CALL_DENIED:
                return self._deny(operation)
            case Fault.STALE:
                return self._serve_stale(call, serve, View.PREVIOUS)
            case Fault.STALE_MINUTE:
                return self._serve_stale(call, serve, View.MINUTE_AGO)
            case Fault.REPEATED_WHILE_WAITING:
                reply = serve()
                if call.attempts == 1:
                    self.repeat(invocation.function, invocation.event, after_seconds=REPEATED_AFTER_SECONDS)
                    invocation.spend(LONG_CALL_SECONDS)
                return reply
            case Fault.REPEATED_AFTER:
                reply = serve()
                if call.attempts == 1:
                    self.repeat(invocation.function, invocation.event)
                return reply
            case _ if call.attempts == 1:
                self.apply(fault, invocation)
        return serve()

    def apply(self, fault: Fault, invocation: Invocation | None = None) -> None:
        """Apply a fault that does not concern a call, such as a user who stops the execution."""
        match fault:
            case Fault.REPEATED_BEFORE if invocation is not None:
                self.repeat(invocation.function, invocation.event)
            case Fault.PAUSED:
                self.clock.advance(PAUSE_SECONDS)
            case Fault.LATE:
                for function, event in self.late_events():
                    self.repeat(function, event)
            case Fault.EXECUTION_STOPPED:
                for execution in self.executions:
                    self.stepfunctions.stop_execution(
                        {"executionArn": execution.arn, "cause": "stopped by hand"}
                    )
            case Fault.EXECUTION_EXPIRED:
                for machine in self.machines:
                    self.stepfunctions._executions.delete(machine)
            case Fault.EXECUTION_REDRIVEN:
                for execution in self.executions:
                    with contextlib.suppress(AwsError):  # it runs, or has succeeded
                        self.stepfunctions.redrive_execution({"executionArn": execution.arn})

    def late_events(self) -> list[tuple[str, Any]]:
        """Return (function, event) of what AWS delivers at least once, and so may deliver again."""
        raise NotImplementedError

    def repeat(self, function: str, event: Any, *, after_seconds: float = 0) -> None:
        """Run the function a second time, from start to end, while the first invocation is running."""
        timeout_seconds = self.functions.timeouts[function]
        repeated = Invocation(function, event, timeout_seconds, offset_seconds=after_seconds, is_repeat=True)
        self.functions.run(repeated)

    # ---------------------------------------------------------------- the services

    def _serve(self, call: Call, http: AWSPreparedRequest) -> Reply:
        operation, service = call.operation, self._service(call)
        if operation in self.denied:
            return self._deny(operation)
        if isinstance(service, FakeS3):
            stored = service.handle(http)
            return Reply(stored.status_code, stored.raw.read(), dict(stored.headers))
        if isinstance(service, FakeService) and service.service_name != "dynamodb":
            return self._parsed_reply(service, call)
        headers = {name.lower(): text_of(value) for name, value in http.headers.items()}
        before = len(self.executions)
        response = service.handle(headers, bytes_of(http.body))
        if response.status == 200:
            self._record(call, before)
        return Reply(response.status, response.body, dict(response.headers))

    def _deny(self, operation: Operation) -> Reply:
        self.denials.append(operation)
        self.invocation.denied.append(operation)
        return error_reply(operation, 403, "AccessDenied")

    def _serve_stale(self, call: Call, serve: Callable[[], Reply], view: View) -> Reply:
        """Serve a read with an older state."""
        service = self._service(call)
        if isinstance(service, FakeCloudFormation):
            service.view = view
            try:
                return serve()
            finally:
                service.view = View.LATEST
        return stale.older(serve(), call, self.executions, view, self.clock.now())

    def _respond(self, call: Call) -> Response:
        """Respond without HTTP."""
        call.attempts = 1
        service, before = self._service(call), len(self.executions)
        assert isinstance(service, JsonService)
        response = response_of(service, self._network.model(call.operation), call.parameters)
        if response[0].status_code == 200:
            self._record(call, before)
        return response

    def _parsed_reply(self, service: FakeService, call: Call) -> Reply:
        """Respond for a fake whose protocol is not JSON."""
        try:
            parsed = present(service.call(self._network.model(call.operation), dict(call.parameters)))
        except AwsError as error:
            return error_reply(call.operation, error.http_status, error.code, error.message)
        return Reply(body=f"<Answer><{call.operation.name}Result/></Answer>".encode(), parsed=parsed)

    def _service(self, call: Call) -> Service:
        return self.services[call.operation.service]

    def _record(self, call: Call, executions_before: int) -> None:
        """Record what a successful call has started."""
        if len(self.executions) > executions_before:
            self.started.append(f"{call.parameters['stateMachineArn']} {call.parameters['name']}")

    # ---------------------------------------------------------------- what happened

    @property
    def executions(self) -> list[Any]:
        """The executions of all machines, the latest of each machine first."""
        executions = self.stepfunctions._executions
        return [execution for machine in self.machines for execution in executions.list(machine)]

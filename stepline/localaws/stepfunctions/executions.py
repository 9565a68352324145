"""The life of executions: started, stopped, timed out, redriven, closed; and what is told of it."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from stepline.localaws.clock import Timer, VirtualClock
from stepline.localaws.context import Context
from stepline.localaws.iam import Actor, acting_as
from stepline.localaws.stepfunctions import errors
from stepline.localaws.stepfunctions.definition import timeout_seconds
from stepline.localaws.stepfunctions.execution import Execution, Machine, MachineType, Status, TaskClosedError
from stepline.localaws.stepfunctions.interpreter import Interpretation, Interpreter, TaskClients
from stepline.localaws.stepfunctions.names import Arns, check_name
from stepline.localaws.stepfunctions.status_event import status_event
from stepline.localaws.stepfunctions.threads import Event, Threads, current_threads, threads_for
from stepline.localaws.stepfunctions.turns import Turns

MAX_INPUT_BYTES = 262_144
"""Input, output and the result of a task, as UTF-8 [StartExecution]."""

EXPRESS_TIMEOUT_SECONDS = 300
"""An Express execution takes five minutes at most [StartSyncExecution]."""

NAME_REUSE_DAYS = 90
"""So long after its end, an execution's name is free again [StartExecution]."""

MAX_KEPT = 2_000
"""Closed executions that are remembered, the newest. AWS remembers them for 90 days."""

REDRIVE_DAYS = 14
"""So long after its end, an execution can be redriven [RedriveExecution]."""

_log = logging.getLogger(__name__)


@dataclass
class _Run:
    """What runs while an execution is open."""

    execution: Execution
    interpretation: Interpretation
    threads: Threads
    timers: list[Timer] = field(default_factory=list)


class Executions:
    """All executions of the local AWS."""

    def __init__(
        self,
        context: Context,
        *,
        interpreter: Interpreter,
        task_clients: TaskClients,
        trace: Callable[[Machine], None],
    ) -> None:
        self._clock = context.clock
        self._events = context.events
        self._interpreter = interpreter
        self._task_clients = task_clients
        self._trace = trace
        self._arns = Arns(context.account_id, context.region)
        self._executions: dict[str, Execution] = {}
        self._runs: dict[str, _Run] = {}
        self._kept: dict[str, set[str]] = {}  # closed executions in the order of their ends: their tokens
        self._turns = Turns()
        self._lock = threading.RLock()
        self._closed = False

    def start(self, machine: Machine, *, name: str | None, text: str, trace_header: str | None) -> Execution:
        """StartExecution. The same name with the same input, while it runs, is the same execution."""
        name = check_name(name) if name is not None else str(uuid.uuid4())
        _check_input(text)
        if machine.type is MachineType.EXPRESS:
            return self._start_express(machine, name, text, trace_header)
        arn = self._arns.execution(machine.name, name)
        with self._lock:
            existing = self._executions.get(arn)
            if existing is not None and not self._name_is_free(existing):
                if existing.running and existing.input == text:
                    return existing
                raise errors.execution_exists(arn)
            self._kept.pop(arn, None)
            execution = self._executions[arn] = self._new(arn, name, machine, text, trace_header)
        self._begin(execution)
        return execution

    def run_to_end(
        self, machine: Machine, *, name: str | None, text: str, trace_header: str | None
    ) -> Execution:
        """StartSyncExecution: Express only. Blocks until the execution is closed."""
        if machine.type is not MachineType.EXPRESS:
            raise errors.machine_type_not_supported()
        name = check_name(name) if name is not None else str(uuid.uuid4())
        _check_input(text)
        execution = self._start_express(machine, name, text, trace_header)
        self._wait_for(execution)
        return execution

    def get(self, arn: str) -> Execution:
        """A Standard execution. Raises ExecutionDoesNotExist."""
        execution = self._executions.get(arn)
        if execution is None:
            raise errors.execution_does_not_exist(arn)
        return execution

    def of_machine(self, arn: str) -> list[Execution]:
        """The Standard executions of a machine, the latest first."""
        executions = [item for item in list(self._executions.values()) if item.machine.arn == arn]
        return executions[::-1]

    def stop(self, arn: str, *, error: str | None, cause: str | None) -> Execution:
        """StopExecution. An execution that is closed stays as it is."""
        execution = self.get(arn)
        execution.close("ExecutionAborted", error=error, cause=cause)
        return execution

    def redrive(self, arn: str, *, token: str | None) -> Execution:
        """RedriveExecution: go on from the state that failed, with the input that it had.

        A failed Map or Parallel begins anew, with all its branches; AWS repeats only those that failed.
        """
        execution = self.get(arn)
        with self._lock:
            if token is not None and execution.redrive_token == token:
                return execution
            if reason := self.reason_not_to_redrive(execution):
                raise errors.execution_not_redrivable(f"Execution Not Redrivable: '{reason}'")
            execution.redrive(token=token)
            self._kept.pop(arn, None)
        self._begin(execution)
        return execution

    def reason_not_to_redrive(self, execution: Execution) -> str | None:
        if execution.status in {Status.RUNNING, Status.SUCCEEDED}:
            return f"Execution is {execution.status} and cannot be redriven"
        if execution.start_date + timedelta(days=REDRIVE_DAYS) < self._clock.now():
            return "Execution redrivable period exceeded"
        return None

    def forget_machine(self, arn: str) -> None:
        """The machine was deleted: its executions end, and cannot be asked for any more."""
        for execution in self.of_machine(arn):
            execution.close("ExecutionAborted")
            self._executions.pop(execution.arn, None)
            self._kept.pop(execution.arn, None)

    def succeed_task(self, token: str, output: str) -> None:
        self._answer_task(token, lambda run: run.succeed_task(token, output))

    def fail_task(self, token: str, error: str | None, cause: str | None) -> None:
        self._answer_task(token, lambda run: run.fail_task(token, error, cause))

    def task_heartbeat(self, token: str) -> None:
        self._answer_task(token, lambda run: run.task_heartbeat(token))

    def hear(self, topics: Iterable[str]) -> None:
        """Tell those tasks that wait for one of them."""
        for run in list(self._runs.values()):
            for topic in topics:
                run.threads.hear(topic)

    def close(self) -> None:
        """End every thread and timer. Nothing is told about it."""
        with self._lock:
            self._closed = True
            runs = list(self._runs.values())
            self._runs.clear()
        for run in runs:
            _cancel(run)

    def _start_express(self, machine: Machine, name: str, text: str, trace_header: str | None) -> Execution:
        arn = self._arns.express_execution(machine.name, name, str(uuid.uuid4()))
        execution = self._new(arn, name, machine, text, trace_header)
        self._begin(execution)
        return execution

    def _new(self, arn: str, name: str, machine: Machine, text: str, trace_header: str | None) -> Execution:
        execution = Execution(
            arn=arn,
            name=name,
            machine=machine,
            input=text,
            start_date=self._clock.now(),
            now=self._clock.now,
            trace_header=trace_header,
        )
        execution.on_closed.append(lambda: self._ended(execution))
        return execution

    def _begin(self, execution: Execution) -> None:
        """Run the machine from its start, or from the execution's checkpoint."""
        interpretation = self._interpreter.interpret(
            execution,
            task_clients=self._task_clients,
            account_id=self._arns.account_id,
            region=self._arns.region,
        )
        run = _Run(execution, interpretation, threads_for(self._clock, self._turns))
        with self._lock:
            if self._closed:
                raise errors.shutting_down()
            self._runs[execution.arn] = run
        self._tell(execution)
        self._trace(execution.machine)
        for seconds in _limits(execution.machine):
            run.timers.append(self._clock.call_later(seconds, lambda: _time_out(execution)))
        run.threads.start(lambda: self._interpret(run))

    def _interpret(self, run: _Run) -> None:
        machine = run.execution.machine
        try:
            with acting_as(Actor("states.amazonaws.com", machine.role_arn, machine.name)):
                run.interpretation.run()
        except Exception as error:  # of the definition: CloudFormation's emulator takes any text
            run.execution.close("ExecutionFailed", error="States.Runtime", cause=str(error))
        finally:
            run.threads.cancel()  # branches that were left behind

    def _ended(self, execution: Execution) -> None:
        with self._lock:
            run = self._runs.pop(execution.arn, None)
            if run is not None and execution.arn in self._executions:
                self._keep(execution, run.interpretation.task_tokens())
        if run is not None:
            self._tell(execution)
            _cancel(run)

    def _keep(self, execution: Execution, tokens: set[str]) -> None:
        """Remember a closed execution, and forget the one that closed first if there are too many."""
        self._kept[execution.arn] = tokens
        if len(self._kept) > MAX_KEPT:
            oldest = next(iter(self._kept))
            del self._kept[oldest], self._executions[oldest]

    def _wait_for(self, execution: Execution) -> None:
        threads = current_threads()
        if threads is None and isinstance(self._clock, VirtualClock):
            self._clock.run(until=lambda: not execution.running)
            return
        done = threading.Event() if threads is None else Event(threads)
        execution.on_closed.append(done.set)
        if execution.running:
            done.wait()

    def _tell(self, execution: Execution) -> None:
        """Express executions have no status events [Step Functions guide, "EventBridge"]."""
        if execution.machine.type is MachineType.EXPRESS:
            return
        try:
            self._events(status_event(execution, self._clock.now()))
        except Exception:
            _log.exception("the status of %s could not be told", execution.arn)

    def _answer_task(self, token: str, answer: Callable[[Interpretation], bool]) -> None:
        for run in list(self._runs.values()):
            try:
                if answer(run.interpretation):
                    return
            except TaskClosedError as error:
                raise errors.task_timed_out() from error
        has_ended = any(token in tokens for tokens in list(self._kept.values()))
        raise errors.task_timed_out() if has_ended else errors.invalid_token()

    def _name_is_free(self, execution: Execution) -> bool:
        if execution.stop_date is None:
            return False
        return execution.stop_date + timedelta(days=NAME_REUSE_DAYS) < self._clock.now()


def _check_input(text: str) -> None:
    if len(text.encode()) > MAX_INPUT_BYTES:
        raise errors.invalid_input(f"Input size exceeds {MAX_INPUT_BYTES} bytes")
    try:
        json.loads(text)
    except ValueError as error:
        raise errors.invalid_input(str(error)) from error


def _limits(machine: Machine) -> list[float]:
    """The seconds after which an execution times out."""
    limits: list[float] = [] if machine.type is MachineType.STANDARD else [EXPRESS_TIMEOUT_SECONDS]
    if (seconds := timeout_seconds(machine.definition)) is not None:
        limits.append(seconds)
    return limits


def _time_out(execution: Execution) -> None:
    error = "States.Timeout" if execution.machine.type is MachineType.EXPRESS else None
    execution.close("ExecutionTimedOut", error=error)


def _cancel(run: _Run) -> None:
    for timer in run.timers:
        timer.cancel()
    run.threads.cancel()

"""The life of executions: they start, stop, time out, are redriven, and close."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from stepline.core.executions.describe import Status
from stepline.localaws.clock import Timer, VirtualClock
from stepline.localaws.context import Context
from stepline.localaws.iam import Actor, acting_as
from stepline.localaws.stepfunctions import errors
from stepline.localaws.stepfunctions.activities import Activities
from stepline.localaws.stepfunctions.definition import timeout_seconds
from stepline.localaws.stepfunctions.events import status_event
from stepline.localaws.stepfunctions.execution_logs import LogDelivery
from stepline.localaws.stepfunctions.interpreter import Interpretation, Interpreter, TaskClients
from stepline.localaws.stepfunctions.map_runs import MapRun
from stepline.localaws.stepfunctions.models import Execution, Machine, MachineType, TaskClosedError
from stepline.localaws.stepfunctions.names import Arns
from stepline.localaws.stepfunctions.settings import EXPRESS_TIMEOUT_SECONDS, NAME_REUSE_DAYS, REDRIVE_DAYS
from stepline.localaws.stepfunctions.store import ExecutionStore
from stepline.localaws.stepfunctions.task_slots import TaskSlots
from stepline.localaws.stepfunctions.threads import Event, Threads, current_threads, threads_for
from stepline.localaws.stepfunctions.validation import check_input, check_name

_log = logging.getLogger(__name__)


@dataclass
class _OpenExecution:
    """What an execution needs while it is open."""

    execution: Execution
    interpretation: Interpretation
    threads: Threads
    timers: list[Timer] = field(default_factory=list)

    def cancel(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.threads.cancel()


class Executions:
    """All executions of the local AWS. `trace` is called with the machine of each execution that starts."""

    def __init__(
        self,
        context: Context,
        *,
        interpreter: Interpreter,
        task_clients: TaskClients,
        trace: Callable[[Machine], None],
        activities: Activities,
    ) -> None:
        self._activities = activities
        self._logs = LogDelivery(context, task_clients)
        self._clock = context.clock
        self._events = context.events
        self._interpreter = interpreter
        self._task_clients = task_clients
        self._trace = trace
        self._arns = Arns(context.account_id, context.region)
        self._store = ExecutionStore()
        self._open: dict[str, _OpenExecution] = {}
        self._task_slots = TaskSlots()
        self._lock = threading.RLock()
        self._is_closed = False

    def start(self, machine: Machine, *, name: str | None, text: str, trace_header: str | None) -> Execution:
        """Start an execution, or return the open one of the same name and input [StartExecution]."""
        name = check_name(name) if name is not None else str(uuid.uuid4())
        check_input(text)
        if machine.type is MachineType.EXPRESS:
            return self._start_express(machine, name, text, trace_header)
        arn = self._arns.execution(machine.name, name)
        with self._lock:
            existing = self._store.find(arn)
            if existing is not None and not self._is_name_free(existing):
                if existing.running and existing.input == text:
                    return existing
                raise errors.ExecutionAlreadyExists(arn)
            execution = self._new(arn, name, machine, text, trace_header)
            self._store.put(execution)
        self._run(execution)
        return execution

    def run_synchronously(
        self, machine: Machine, *, name: str | None, text: str, trace_header: str | None
    ) -> Execution:
        """Run an Express execution and return it when it is closed [StartSyncExecution]."""
        if machine.type is not MachineType.EXPRESS:
            raise errors.StateMachineTypeNotSupported
        execution = self.start(machine, name=name, text=text, trace_header=trace_header)
        self._wait_for(execution)
        return execution

    def get(self, arn: str) -> Execution:
        """Return a Standard execution. Raises ExecutionDoesNotExist."""
        return self._store.get(arn)

    def list(self, machine_arn: str) -> list[Execution]:
        """Return the Standard executions of a machine, the latest first."""
        return self._store.list(machine_arn)

    def map_run(self, arn: str) -> MapRun:
        """Return a run of a distributed Map state of a Standard execution. Raises ResourceNotFound."""
        for execution in self._store.all():
            for run in execution.map_runs:
                if run.arn == arn:
                    return run
        raise errors.ResourceNotFound(arn)

    def redrive(self, arn: str, *, token: str | None) -> Execution:
        """Continue from the state that failed, with the input that it had [RedriveExecution].

        A failed Map or Parallel state starts again with all its branches; AWS repeats only the failed ones.
        """
        execution = self.get(arn)
        with self._lock:
            if token is not None and execution.redrive_token == token:
                return execution
            if reason := self.reason_not_redrivable(execution):
                raise errors.ExecutionNotRedrivable(reason)
            execution.reopen(token=token)
            self._store.put(execution)
        self._run(execution)
        return execution

    def reason_not_redrivable(self, execution: Execution) -> str | None:
        if execution.status in {Status.RUNNING, Status.SUCCEEDED}:
            return f"Execution is {execution.status} and cannot be redriven"
        if execution.start_date + timedelta(days=REDRIVE_DAYS) < self._clock.now():
            return "Execution redrivable period exceeded"
        return None

    def delete(self, machine_arn: str) -> None:
        """Abort and delete the executions of a machine that was deleted."""
        for execution in self._store.list(machine_arn):
            execution.close("ExecutionAborted")
            self._store.delete(execution)

    def succeed_task(self, token: str, output: str) -> None:
        self._report_task(token, lambda interpretation: interpretation.succeed_task(token, output))

    def fail_task(self, token: str, error: str | None, cause: str | None) -> None:
        self._report_task(token, lambda interpretation: interpretation.fail_task(token, error, cause))

    def start_activity_task(self, token: str, worker_name: str | None) -> bool:
        """Let a worker start a task. Return whether the task still waits for one."""
        items = list(self._open.values())
        return any(item.interpretation.start_activity_task(token, worker_name) for item in items)

    def task_heartbeat(self, token: str) -> None:
        self._report_task(token, lambda interpretation: interpretation.task_heartbeat(token))

    def notify(self, topics: Iterable[str]) -> None:
        """Wake the tasks that wait for one of the topics, such as a job's ARN."""
        for item in list(self._open.values()):
            for topic in topics:
                item.threads.notify_topic(topic)

    def close(self) -> None:
        """End every thread and timer, without closing the executions."""
        with self._lock:
            self._is_closed = True
            items = list(self._open.values())
            self._open.clear()
        for item in items:
            item.cancel()

    def _start_express(self, machine: Machine, name: str, text: str, trace_header: str | None) -> Execution:
        arn = self._arns.express_execution(machine.name, name, str(uuid.uuid4()))
        execution = self._new(arn, name, machine, text, trace_header)
        self._run(execution)
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
        execution.on_closed.append(lambda: self._on_closed(execution))
        self._logs.follow(execution)
        return execution

    def _run(self, execution: Execution) -> None:
        interpretation = self._interpreter.interpret(
            execution,
            task_clients=self._task_clients,
            activities=self._activities.by_arn,
            account_id=self._arns.account_id,
            region=self._arns.region,
        )
        item = _OpenExecution(execution, interpretation, threads_for(self._clock, self._task_slots))
        with self._lock:
            if self._is_closed:
                raise errors.ServiceUnavailable
            self._open[execution.arn] = item
        self._publish_status(execution)
        self._trace(execution.machine)
        for seconds in _time_limits(execution.machine):
            item.timers.append(self._clock.call_later(seconds, lambda: _time_out(execution)))
        item.threads.start(lambda: self._interpret(item))

    def _interpret(self, item: _OpenExecution) -> None:
        machine = item.execution.machine
        try:
            actor = Actor("states.amazonaws.com", machine.role_arn, machine.name, external_id=machine.arn)
            with acting_as(actor):
                item.interpretation.run()
        except Exception as error:  # of an invalid definition, which CloudFormation may have stored
            item.execution.close("ExecutionFailed", error="States.Runtime", cause=str(error))
        finally:
            item.threads.cancel()  # branches that still run

    def _on_closed(self, execution: Execution) -> None:
        with self._lock:
            item = self._open.pop(execution.arn, None)
            if item is not None:
                self._store.put_closed(execution, item.interpretation.task_tokens())
        if item is not None:
            for run in execution.map_runs:
                run.close("ABORTED", self._clock.now())
            self._publish_status(execution)
            item.cancel()

    def _wait_for(self, execution: Execution) -> None:
        threads = current_threads()
        if threads is None and isinstance(self._clock, VirtualClock):
            self._clock.run(until=lambda: not execution.running)
            return
        done = threading.Event() if threads is None else Event(threads)
        execution.on_closed.append(done.set)
        if execution.running:
            done.wait()

    def _publish_status(self, execution: Execution) -> None:
        """Publish the status, which only Standard executions do [Step Functions guide, "EventBridge"]."""
        if execution.machine.type is MachineType.EXPRESS:
            return
        try:
            reason = self.reason_not_redrivable(execution)
            self._events(status_event(execution, self._clock.now(), reason))
        except Exception:
            _log.exception("cannot publish the status of %s", execution.arn)

    def _report_task(self, token: str, report: Callable[[Interpretation], bool]) -> None:
        for item in list(self._open.values()):
            try:
                if report(item.interpretation):
                    return
            except TaskClosedError as error:
                raise errors.TaskTimedOut from error
        if self._store.is_task_of_closed_execution(token):
            raise errors.TaskTimedOut
        raise errors.InvalidToken

    def _is_name_free(self, execution: Execution) -> bool:
        if execution.stop_date is None:
            return False
        return execution.stop_date + timedelta(days=NAME_REUSE_DAYS) < self._clock.now()


def _time_limits(machine: Machine) -> list[float]:
    """Return the seconds after which an execution times out."""
    limits: list[float] = [] if machine.type is MachineType.STANDARD else [EXPRESS_TIMEOUT_SECONDS]
    if (seconds := timeout_seconds(machine.definition)) is not None:
        limits.append(seconds)
    return limits


def _time_out(execution: Execution) -> None:
    error = "States.Timeout" if execution.machine.type is MachineType.EXPRESS else None
    execution.close("ExecutionTimedOut", error=error)

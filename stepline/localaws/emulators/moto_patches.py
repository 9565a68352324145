"""What moto's interpreter of state machines lacks, mended here: one function per patch.

Each patch says what it mends and replaces it where it is. Outside of the threads of an
execution of ours, moto works as if it were not patched. `tests/localaws/stepfunctions/
test_patches.py` notices when a patch is no longer needed.
"""

from __future__ import annotations

import contextvars
import datetime
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import boto3
import jsonata
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name import failure_event
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    inline_iteration_component,
    iteration_worker,
    job,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker, branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp, wait_function
from moto.stepfunctions.parser.asl.eval import environment, states, variable_store
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.utils import boto_client, encoding

from stepline.localaws.protocol.service import service_model
from stepline.localaws.stepfunctions import threads as ours
from stepline.localaws.stepfunctions.threads import current_threads

TESTED_VERSION = "5.2.5"
"""The version of moto whose insides these patches fit."""

MAX_INLINE_MAP_CONCURRENCY = 40
"""Iterations of an inline Map that run at a time [Step Functions developer guide, "Inline mode"]."""

TaskClients = Callable[[str], Any]

task_clients: contextvars.ContextVar[TaskClients] = contextvars.ContextVar("task_clients")
"""The clients of the Task states, in the threads of an execution."""


def apply_patches() -> None:
    """Mend the interpreter. Raises RuntimeError for another version of moto than the tested one."""
    version = metadata.version("moto")
    if version != TESTED_VERSION:
        raise RuntimeError(f"stepline's patches fit moto {TESTED_VERSION}, but moto {version} is installed")
    for patch in PATCHES:
        patch()


def _send_tasks_to_our_clients() -> None:
    """Tasks talk to `localhost` and moto's port: let them use the clients that the service was given."""
    boto_client.boto3 = SimpleNamespace(client=_task_client)


def _task_client(*, service_name: str, **settings: Any) -> Any:
    clients = task_clients.get(None)
    if clients is None:
        return boto3.client(service_name, **settings)  # type: ignore[call-overload]
    return _PlainAnswers(clients(service_name))


class _PlainAnswers:
    """A client whose answers hold no datetime: in a state machine they are text."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda **parameters: _without_datetimes(method(**parameters))


def _without_datetimes(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return aws_time(value)
    if isinstance(value, dict):
        return {key: _without_datetimes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_datetimes(item) for item in value]
    return value


def _name_fields_as_services_do() -> None:
    """Machines write `StateMachineArn`, the API `stateMachineArn`: moto left LocalStack's translation out."""
    service = state_task_service.StateTaskService

    def normalise_parameters(
        self: Any,
        parameters: Any,
        boto_service_name: str | None = None,
        service_action_name: str | None = None,
    ) -> None:
        operation = _operation(self, boto_service_name, service_action_name)
        if operation is not None and operation.input_shape is not None:
            self._to_boto_request(parameters, operation.input_shape)

    def normalise_response(
        self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        operation = _operation(self, boto_service_name, service_action_name)
        if operation is not None and operation.output_shape is not None:
            self._from_boto_response(response, operation.output_shape)

    service._normalise_parameters = normalise_parameters
    service._normalise_response = normalise_response


def _operation(task: Any, service_name: str | None, action: str | None) -> OperationModel | None:
    """The operation that a task calls, or None if botocore does not know it: then the call fails."""
    try:
        model = service_model(task._get_boto_service_name(boto_service_name=service_name))
    except UnknownServiceError:
        return None
    wanted = task._get_boto_service_action(service_action_name=action)
    names = (name for name in model.operation_names if xform_name(name) == wanted)
    return next((model.operation_model(name) for name in names), None)


def _write_json_as_aws() -> None:
    """Text beyond ASCII counts and reads as `\\uXXXX`: data are UTF-8, in limits, histories and outputs."""

    def dumps(value: Any, **settings: Any) -> str:
        return json.dumps(value, ensure_ascii=False, **settings)

    encoding.json = SimpleNamespace(dumps=dumps, JSONEncoder=json.JSONEncoder)


def _evaluate_jsonata() -> None:
    """JSONata needs a Java machine that moto does not bring: evaluate it in Python."""

    def evaluate(expression: str) -> Any:
        try:
            return json.loads(json.dumps(jsonata.Jsonata(expression).evaluate(None)))
        except Exception as error:
            raise moto_jsonata.JSONataException("UNKNOWN", str(error)) from error

    moto_jsonata._eval_jsonata = evaluate
    moto_jsonata.eval_jsonata_expression.__globals__["_eval_jsonata"] = evaluate


def _fail_on_wrong_jsonata() -> None:
    """An expression that cannot be evaluated ends the machine with States.Runtime.

    On AWS it is States.QueryEvaluationError, which can be caught.
    """
    original = string_expression.StringJSONata._eval_body

    def evaluate(self: Any, env: Any) -> None:
        try:
            original(self, env)
        except moto_jsonata.JSONataException as error:
            cause = (
                f"The JSONata expression '{self.expression}' specified for the field '{env.next_field_name}' "
                f"threw an error during evaluation. {error.details}"
            )
            raise _evaluation_failure(env, cause) from error

    string_expression.StringJSONata._eval_body = evaluate


def _evaluation_failure(env: Any, cause: str) -> Exception:
    error_name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = {"evaluationFailedEventDetails": {"error": error_name.error_name, "cause": cause}}
    failure: Exception = failure_event.FailureEventException(
        failure_event.FailureEvent(
            env=env,
            error_name=error_name,
            event_type=HistoryEventType.EvaluationFailed,
            event_details=details,
        )
    )
    return failure


def _log_nothing() -> None:
    """Every error is logged with the data of the machine, and with all of its states, at each level."""

    def nothing(*_args: object, **_settings: object) -> None:
        """The history tells what failed."""

    EvalComponent._log_failure_event_exception = nothing
    EvalComponent._log_exception = nothing
    logging.getLogger("moto.stepfunctions.parser").setLevel(logging.CRITICAL)


def _quote_jsonata_variables() -> None:
    """A variable's text is put between quotes as it is: a quote or line break in it breaks the expression."""

    def encode(bindings: dict[str, Any]) -> str:
        return "".join(
            f"{name}:={encoding.to_json_str(value, separators=(',', ':'))};"
            for name, value in bindings.items()
        )

    for module in (moto_jsonata, states, variable_store):
        module.encode_jsonata_variable_declarations = encode


def _use_our_threads() -> None:
    """Threads outlive their execution and wait on the wall clock: let them be threads of the execution."""
    facade = SimpleNamespace(Thread=_thread, Event=_event, Lock=threading.Lock, RLock=threading.RLock)
    for module in (
        branch_worker,
        branches_decl,
        environment,
        execute_state,
        inline_iteration_component,
        job,
        state_task_service_callback,
    ):
        module.threading = facade
    execute_state.Thread = _thread
    callback.Event = _event


def _thread(*, target: Callable[..., object], args: tuple[object, ...] = (), **settings: Any) -> Any:
    threads = current_threads()
    if threads is None:
        return threading.Thread(target=target, args=args, **settings)
    return ours.Thread(threads, target, args)


def _event() -> Any:
    threads = current_threads()
    return threading.Event() if threads is None else ours.Event(threads)


def _forget_threads() -> None:
    """Every thread that ever ran is kept in a list: keep none."""
    for module in (branch_worker, execute_state, inline_iteration_component, state_task_service_callback):
        module.TMP_THREADS = deque(maxlen=0)


def _run_programs_in_place() -> None:
    """A machine and each branch take a thread more than needed, to watch TimeoutSeconds on the wall clock.

    The service watches it, on its own clock.
    """
    original = program.Program.eval

    def evaluate(self: Any, env: Any) -> None:
        if current_threads() is None:
            original(self, env)
            return
        env.next_state_name = self.start_at.start_at_name
        EvalComponent.eval(self, env)

    program.Program.eval = evaluate


def _wait_on_our_clock() -> None:
    """Wait states count seconds of the wall clock, and miss a stop that comes before they wait."""
    original = wait_function.WaitFunction._wait_interval

    def wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
        threads = current_threads()
        if threads is None:
            original(self, env, wait_seconds)
        else:
            threads.wait(lambda: not env.is_running(), wait_seconds)

    wait_function.WaitFunction._wait_interval = wait_interval


def _wait_until_a_moment() -> None:
    """`Timestamp` is compared, as UTC, with the local time of the wall clock, in whole seconds."""
    datetime_facade = SimpleNamespace(
        datetime=SimpleNamespace(now=_naive_now, strptime=datetime.datetime.strptime),
        timezone=datetime.timezone,
    )
    timestamp.datetime = datetime_facade


def _naive_now() -> datetime.datetime:
    return _now().replace(tzinfo=None)


def _retry_on_our_clock() -> None:
    """Retries sleep on the wall clock, and no stop wakes them."""

    def sleep(seconds: float) -> None:
        threads = current_threads()
        if threads is None:
            time.sleep(seconds)
        else:
            threads.sleep(seconds)

    facade = SimpleNamespace(sleep=sleep)
    retrier_decl.time = facade
    state_task_service_callback.time = facade


def _enter_states_on_our_clock() -> None:
    """`$$.State.EnteredTime` is the wall clock's, and not written as AWS writes it."""
    now = SimpleNamespace(now=lambda tz: SimpleNamespace(isoformat=lambda: aws_time(_now())))
    state.datetime = SimpleNamespace(datetime=now, timezone=datetime.timezone)


def _limit_map_concurrency() -> None:
    """An inline Map without MaxConcurrency starts a thread per item: AWS runs 40 at a time."""
    component = inline_iteration_component.InlineIterationComponent
    original = component._eval_body

    def evaluate(self: Any, env: Any) -> None:
        eval_input = env.stack[-1]
        wanted = eval_input.max_concurrency or MAX_INLINE_MAP_CONCURRENCY
        eval_input.max_concurrency = min(wanted, MAX_INLINE_MAP_CONCURRENCY, len(eval_input.input_items) or 1)
        original(self, env)

    component._eval_body = evaluate


def _iterate_maps_in_a_loop() -> None:
    """A worker of a Map calls itself for its next item: a thousand items exceed Python's stack."""

    def eval_pool(self: Any, job: Any, worker_frame: Any) -> None:
        while job is not None:
            job_frame = worker_frame.open_inner_frame()
            self._eval_job(env=job_frame, job=job)
            worker_frame.close_frame(job_frame)
            following = None
            if not isinstance(job.job_output, Exception) and not self.stopped():
                following = self._job_pool.next_job()
                if following is None:  # what follows the Map refers to its last event
                    last_event = job_frame.event_history_context.last_published_event_id
                    worker_frame.event_history_context.source_event_id = last_event
            if following is None:  # the frame closes before the job: the Map waits for jobs, not for workers
                self._env.close_frame(worker_frame)
            self._job_pool.close_job(job)
            if following is None:
                return
            job = following
        self._env.close_frame(worker_frame)

    iteration_worker.IterationWorker._eval_pool = eval_pool


def _now() -> datetime.datetime:
    threads = current_threads()
    return datetime.datetime.now(datetime.UTC) if threads is None else threads.now()


def aws_time(moment: datetime.datetime) -> str:
    """A time as it reads in the data of a state machine: `2026-01-31T12:00:00.000Z`."""
    return (
        moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )


PATCHES: tuple[Callable[[], None], ...] = (
    _send_tasks_to_our_clients,
    _name_fields_as_services_do,
    _write_json_as_aws,
    _evaluate_jsonata,
    _fail_on_wrong_jsonata,
    _quote_jsonata_variables,
    _use_our_threads,
    _forget_threads,
    _run_programs_in_place,
    _wait_on_our_clock,
    _wait_until_a_moment,
    _retry_on_our_clock,
    _enter_states_on_our_clock,
    _limit_map_concurrency,
    _iterate_maps_in_a_loop,
    _log_nothing,
)

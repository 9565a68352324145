"""Patches of moto's interpreter of state machines: its threads, and whatever takes time."""

from __future__ import annotations

import datetime
import threading
import time
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
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
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp, wait_function
from moto.stepfunctions.parser.asl.eval import environment
from moto.stepfunctions.parser.asl.eval.callback import callback

from stepline.localaws.emulators.moto_data import aws_time
from stepline.localaws.stepfunctions import threads as ours
from stepline.localaws.stepfunctions.threads import current_threads

MAX_INLINE_MAP_CONCURRENCY = 40
"""Iterations of an inline Map that run at a time [Step Functions developer guide, "Inline mode"]."""


def use_our_threads() -> None:
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


def key_components_once() -> None:
    """Two executions of one parsed machine may each choose a key for the same component.

    moto parses anew for each execution; we do not.
    """
    EvalComponent.heap_key = property(lambda self: str(id(self)))


def forget_threads() -> None:
    """Every thread that ever ran is kept in a list: keep none."""
    for module in (branch_worker, execute_state, inline_iteration_component, state_task_service_callback):
        module.TMP_THREADS = deque(maxlen=0)


def run_programs_in_place() -> None:
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


def wait_on_our_clock() -> None:
    """Wait states count seconds of the wall clock, and miss a stop that comes before they wait."""
    original = wait_function.WaitFunction._wait_interval

    def wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
        threads = current_threads()
        if threads is None:
            original(self, env, wait_seconds)
        else:
            threads.wait(lambda: not env.is_running(), wait_seconds)

    wait_function.WaitFunction._wait_interval = wait_interval


def wait_until_a_moment() -> None:
    """`Timestamp` is compared, as UTC, with the local time of the wall clock, in whole seconds."""
    datetime_facade = SimpleNamespace(
        datetime=SimpleNamespace(now=_naive_now, strptime=datetime.datetime.strptime),
        timezone=datetime.timezone,
    )
    timestamp.datetime = datetime_facade


def _naive_now() -> datetime.datetime:
    return _now().replace(tzinfo=None)


def retry_on_our_clock() -> None:
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


def enter_states_on_our_clock() -> None:
    """`$$.State.EnteredTime` is the wall clock's, and not written as AWS writes it."""
    now = SimpleNamespace(now=lambda tz: SimpleNamespace(isoformat=lambda: aws_time(_now())))
    state.datetime = SimpleNamespace(datetime=now, timezone=datetime.timezone)


def take_turns() -> None:
    """However many executions there are, all their tasks run at once, each on two threads.

    A task that waits for something else to happen (`.sync`, `.waitForTaskToken`) needs no turn.
    """
    task = state_task.StateTask
    original = task._evaluate_with_timeout

    def evaluate(self: Any, env: Any) -> None:
        threads = current_threads()
        if threads is None or getattr(self.resource, "condition", None) is not None:
            original(self, env)
        else:
            with threads.task_slot():
                original(self, env)

    task._evaluate_with_timeout = evaluate


def limit_map_concurrency() -> None:
    """An inline Map without MaxConcurrency starts a thread per item: AWS runs 40 at a time."""
    component = inline_iteration_component.InlineIterationComponent
    original = component._eval_body

    def evaluate(self: Any, env: Any) -> None:
        eval_input = env.stack[-1]
        wanted = eval_input.max_concurrency or MAX_INLINE_MAP_CONCURRENCY
        eval_input.max_concurrency = min(wanted, MAX_INLINE_MAP_CONCURRENCY, len(eval_input.input_items) or 1)
        original(self, env)

    component._eval_body = evaluate


def iterate_maps_in_a_loop() -> None:
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

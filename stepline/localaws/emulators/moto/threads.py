"""Patches moto's threads: they outlive their execution, and nothing limits their number."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    inline_iteration_component,
    iteration_worker,
    job,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker, branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.eval import environment
from moto.stepfunctions.parser.asl.eval.callback import callback

from stepline.localaws.stepfunctions.threads import Event, Thread, own_threads

MAX_INLINE_MAP_CONCURRENCY = 40
"""Iterations of an inline Map that run at a time [Step Functions developer guide, "Inline mode"]."""


def use_threads_of_the_execution() -> None:
    """Use the execution's own threads; moto's outlive it, and wait on the wall clock."""
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


def _thread(*, target: Callable[..., object], args: tuple[object, ...] = (), **_settings: Any) -> Thread:
    return Thread(own_threads(), target, args)


def _event() -> Event:
    return Event(own_threads())


def share_components_among_executions() -> None:
    """Give each component one key; in moto two executions of one program may choose different ones.

    moto parses a definition for each execution, the local AWS does not.
    """
    EvalComponent.heap_key = property(lambda self: str(id(self)))


def drop_references_to_threads() -> None:
    """Keep no list of threads; moto keeps every thread that ever ran in one."""
    for module in (branch_worker, execute_state, inline_iteration_component, state_task_service_callback):
        module.TMP_THREADS = deque(maxlen=0)


def run_programs_on_the_calling_thread() -> None:
    """Run a program where it is called; moto uses a further thread to watch TimeoutSeconds on the wall clock.

    The service watches it on its own clock.
    """

    def evaluate(self: Any, env: Any) -> None:
        env.next_state_name = self.start_at.start_at_name
        EvalComponent.eval(self, env)

    program.Program.eval = evaluate


def limit_concurrent_tasks() -> None:
    """Let a task wait for a free slot; moto runs all tasks at once, each on two threads.

    A task that waits for something else (`.sync`, `.waitForTaskToken`) needs no slot.
    """
    task = state_task.StateTask
    original = task._evaluate_with_timeout

    def evaluate(self: Any, env: Any) -> None:
        waits = getattr(self.resource, "condition", None) is not None
        with nullcontext() if waits else own_threads().task_slot():
            original(self, env)

    task._evaluate_with_timeout = evaluate


def limit_map_concurrency() -> None:
    """Run 40 iterations of an inline Map at a time, as AWS does; moto starts a thread for each item."""
    component = inline_iteration_component.InlineIterationComponent
    original = component._eval_body

    def evaluate(self: Any, env: Any) -> None:
        map_input = env.stack[-1]
        limit = map_input.max_concurrency or MAX_INLINE_MAP_CONCURRENCY
        map_input.max_concurrency = min(limit, MAX_INLINE_MAP_CONCURRENCY, len(map_input.input_items) or 1)
        original(self, env)

    component._eval_body = evaluate


def iterate_maps_without_recursion() -> None:
    """Iterate in a loop; moto's worker calls itself, and a thousand items exceed Python's stack."""

    def eval_pool(self: Any, job: Any, worker_frame: Any) -> None:
        while job is not None:
            job_frame = worker_frame.open_inner_frame()
            self._eval_job(env=job_frame, job=job)
            worker_frame.close_frame(job_frame)
            next_job = None
            if not isinstance(job.job_output, Exception) and not self.stopped():
                next_job = self._job_pool.next_job()
                if next_job is None:  # what follows the Map refers to its last event
                    last_event = job_frame.event_history_context.last_published_event_id
                    worker_frame.event_history_context.source_event_id = last_event
            if next_job is None:  # the frame closes before the job: the Map waits for jobs, not for workers
                self._env.close_frame(worker_frame)
            self._job_pool.close_job(job)
            if next_job is None:
                return
            job = next_job
        self._env.close_frame(worker_frame)

    iteration_worker.IterationWorker._eval_pool = eval_pool

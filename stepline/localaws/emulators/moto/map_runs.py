"""Patches the runs of distributed Map states: moto ignores the failures of child executions."""

from __future__ import annotations

import contextvars
import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iterator import (
    distributed_iterator_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer import result_writer_decl
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError
from moto.stepfunctions.parser.asl.utils import boto_client

from stepline.localaws.emulators.moto.data import aws_time
from stepline.localaws.emulators.moto.failures import map_run_failure
from stepline.localaws.emulators.moto.jsonata import evaluate_template
from stepline.localaws.emulators.moto.map_items import batches
from stepline.localaws.emulators.moto.paths import extract
from stepline.localaws.stepfunctions.map_runs import ChildExecution, MapRun
from stepline.localaws.stepfunctions.models import Execution
from stepline.localaws.stepfunctions.threads import own_threads

MAX_CHILD_EXECUTIONS: Final = 40
"""Child executions of a distributed Map that run at a time [ours]; on AWS 10,000."""

_THRESHOLD_EXCEEDED: Final = "The specified tolerated failure threshold was exceeded"
"""[recorded]"""


executions: contextvars.ContextVar[Execution] = contextvars.ContextVar("executions")
"""The execution that the current thread belongs to."""


def fail_map_runs() -> None:
    """Run child executions, and fail with States.ExceedToleratedFailureThreshold; moto returns null for them.

    Items are selected and batched before, so that the definition's ItemBatcher is obeyed.
    """

    def run_children(self: Any, env: Any, eval_input: Any) -> None:
        inputs = _child_inputs(self.declared, env, eval_input)
        pool = JobPool(job_program=self._get_iteration_program(), job_inputs=inputs)
        run = eval_input.map_run_record.run = _new_run(self.declared, eval_input, inputs)
        limit = eval_input.map_run_record.max_concurrency or MAX_CHILD_EXECUTIONS
        for _ in range(min(limit, MAX_CHILD_EXECUTIONS, len(inputs))):
            self._launch_worker(env=env, eval_input=eval_input, job_pool=pool)
        pool.await_jobs()
        failure = pool.get_worker_exception()
        run.close("FAILED" if failure else "SUCCEEDED", own_threads().now())
        if failure is not None:
            raise failure
        env.stack.append([job.job_output for job in pool.get_closed_jobs()])

    distributed_iteration_component.DistributedIterationComponent._map_run = run_children
    for worker in (
        distributed_item_processor_worker.DistributedItemProcessorWorker,
        distributed_iterator_worker.DistributedIteratorWorker,
    ):
        worker._eval_job = _run_child
        worker.eval = _run_children


def write_results_of_map_runs() -> None:
    """Write the results of child executions to S3; moto writes a manifest without any."""

    def evaluate(self: Any, env: Any) -> None:
        self.parargs.eval(env=env)
        parameters = env.stack.pop()
        env.stack.pop()  # the results, which are in the files
        record = env.map_run_record_pool_manager.get_all()[-1]
        client = boto_client.boto_client_for(service="s3", region="", state_credentials=None)
        env.stack.append(_write_results(client, parameters, record))

    result_writer_decl.ResultWriter._eval_body = evaluate


def _child_inputs(declared: Mapping[str, Any], env: Any, eval_input: Any) -> list[Any]:
    items = env.stack.pop()
    state_input = env.stack[-1] if env.stack else None
    selector = eval_input.item_selector or eval_input.parameters
    if selector:
        items = [_selected(env, selector, state_input, index, item) for index, item in enumerate(items)]
    if (batcher := declared.get("ItemBatcher")) is None:
        return list(items)
    is_jsonata = "Items" in declared or _uses_jsonata(batcher)
    return batches(items, _resolved(batcher, env, state_input, is_jsonata=is_jsonata), state_input)


def _new_run(declared: Mapping[str, Any], eval_input: Any, inputs: list[Any]) -> MapRun:
    record, execution = eval_input.map_run_record, executions.get()
    run = MapRun(
        arn=record.map_run_arn,
        execution_arn=execution.arn,
        machine_arn=record.map_state_machine_arn,
        start_date=own_threads().now(),
        item_counts=[len(each["Items"]) if "ItemBatcher" in declared else 1 for each in inputs],
        max_concurrency=record.max_concurrency,
        tolerated_count=eval_input.tolerated_failure_count,
        tolerated_percentage=eval_input.tolerated_failure_percentage,
    )
    execution.map_runs.append(run)
    return run


def _uses_jsonata(batcher: Mapping[str, Any]) -> bool:
    return "{%" in json.dumps(batcher)


def _selected(env: Any, selector: Any, state_input: Any, index: int, item: Any) -> Any:
    frame = env.open_inner_frame()
    try:
        frame.states.context_object.context_object_data["Map"] = {"Item": {"Index": index, "Value": item}}
        frame.states.reset(input_value=state_input)
        frame.stack.append(state_input)
        selector.eval(frame)
        return frame.stack[-1]
    finally:
        env.delete_frame(frame)


def _resolved(batcher: Mapping[str, Any], env: Any, state_input: Any, *, is_jsonata: bool) -> Any:
    """Return the ItemBatcher with its expressions, or the paths of its BatchInput, evaluated."""
    if is_jsonata:
        return evaluate_template(batcher, env, "ItemBatcher")
    context = env.states.context_object.context_object_data
    extra = batcher.get("BatchInput")
    if not isinstance(extra, dict):
        return batcher
    resolved = {}
    for name, value in extra.items():
        if name.endswith(".$"):
            is_context = value.startswith("$$")
            resolved[name[:-2]] = extract(value[is_context:], context if is_context else state_input)
        else:
            resolved[name] = value
    return {**batcher, "BatchInput": resolved}


def _run_children(self: Any) -> None:
    """Run child executions until none is left."""
    while (job := self._job_pool.next_job()) is not None:
        frame = self._env.open_inner_frame()
        self._eval_job(env=frame, job=job)
        self._env.delete_frame(frame)
        self._job_pool.close_job(job)


def _run_child(self: Any, env: Any, job: Any) -> None:
    run = self._map_run_record.run
    child = _child(env, job.job_input, run)
    run.start_child(child)
    env.states.reset(job.job_input)
    env.stack.append(env.states.get_input())
    job.job_program.eval(env)
    state = env.program_state()
    if isinstance(state, ProgramError):
        error = state.error or {}
        ended = {"Status": "FAILED", "Error": error.get("error"), "Cause": error.get("cause")}
        job.job_output = None
    else:
        job.job_output = env.states.get_input()
        ended = {"Status": "SUCCEEDED", "Output": json.dumps(job.job_output, ensure_ascii=False)}
    now = own_threads().now()
    child.details = {**child.details, **ended, "StopDate": aws_time(now)}
    if run.close_child(child, ended["Status"], now):
        error_name = StatesErrorNameType.StatesExceedToleratedFailureThreshold
        job.job_output = map_run_failure(env, error_name, _THRESHOLD_EXCEEDED)


def _child(env: Any, child_input: Any, run: MapRun) -> ChildExecution:
    """Give the frame the Context object of a child execution, and return the child execution."""
    context = env.states.context_object.context_object_data
    execution, machine = context["Execution"], context["StateMachine"]
    name = str(uuid.uuid4())
    arn = f"{run.machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
    now = own_threads().now()
    label = run.machine_arn.rpartition("/")[2]
    started = aws_time(now)
    context["Execution"] = {**execution, "Id": arn, "Name": name, "Input": child_input, "StartTime": started}
    context["StateMachine"] = {**machine, "Id": run.machine_arn, "Name": f"{machine['Name']}/{label}"}
    is_batch = isinstance(child_input, dict) and isinstance(child_input.get("Items"), list)
    details = {
        "ExecutionArn": arn,
        "Input": json.dumps(child_input, ensure_ascii=False),
        "InputDetails": {"Included": True},
        "Name": name,
        "RedriveCount": 0,
        "StartDate": started,
        "StateMachineArn": run.machine_arn,
    }
    count = len(child_input["Items"]) if is_batch else 1
    return ChildExecution(arn, name, count, now, details=details)


def _write_results(client: Any, parameters: Mapping[str, str], record: Any) -> dict[str, Any]:
    """Write `SUCCEEDED_0.json`, `FAILED_0.json` and the manifest [guide, "ResultWriter (Map)"]."""
    bucket, prefix = parameters["Bucket"], parameters.get("Prefix", "")
    folder = f"{prefix}{'' if not prefix or prefix.endswith('/') else '/'}{record.map_run_arn.split(':')[-1]}"
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status, found in files.items():
        children = [child.details for child in record.run.children if child.details.get("Status") == status]
        if children:
            key = f"{folder}/{status}_0.json"
            body = json.dumps(children, ensure_ascii=False).encode()
            client.put_object(Bucket=bucket, Key=key, Body=body)
            found.append({"Key": key, "Size": len(body)})
            record.run.results_written += len(children)
    manifest = {"DestinationBucket": bucket, "MapRunArn": record.map_run_arn, "ResultFiles": files}
    key = f"{folder}/manifest.json"
    client.put_object(Bucket=bucket, Key=key, Body=json.dumps(manifest).encode())
    return {"MapRunArn": record.map_run_arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}

"""The batch workflow: all three steps, a job that fails, an input that is refused."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from stepline.localaws.batch import Batch, Outcome, Task
from stepline.localaws.context import Context
from stepline.localaws.protocol import in_process_client
from tests.faults.system_scenario import SystemScenario
from tests.faults.system_world import SystemWorld
from tests.localaws.batch.fake_containers import FakeContainers
from tests.statemachines.batch.machine import create_queue_and_definition

_MACHINE, _QUEUE, _DEFINITION = "StateMachine", "JobQueue", "JobDefinition"
_BUCKET = "incoming"
_FAILING, _SECRET = "bad", "S3CR3T-PARAMETER"
_clients: WeakKeyDictionary[SystemWorld, Any] = WeakKeyDictionary()


def _start(world: SystemWorld, *, step_1: object, step_2: list[str]) -> None:
    parameters = {"step1_parameter": step_1, "step2_parameters": step_2, "step3_parameters": [_SECRET]}
    world.start(_MACHINE, {"parameters": parameters})


def _start_with_a_file(world: SystemWorld) -> None:
    """The S3 trigger starts the workflow for an object with its parameters."""
    parameters = {"step1_parameter": "one", "step2_parameters": ["a"], "step3_parameters": [_SECRET]}
    world.s3.put(_BUCKET, "in.json", json.dumps({"parameters": parameters}).encode())
    world.start(_MACHINE, {"bucket": _BUCKET, "key": "in.json", "size": 100, "version": None})


def _batch(world: SystemWorld) -> Any:
    """Return a client of the world's own AWS Batch, with the template's queue and job definition."""
    if world not in _clients:
        containers = FakeContainers(world.clock, outcome=_outcome)
        batch = Batch(Context(world.clock, world.stepfunctions.on_event), containers=containers)
        _clients[world] = in_process_client(batch)
        create_queue_and_definition(_clients[world], queue=_QUEUE, definition=_DEFINITION)
    return _clients[world]


def _outcome(task: Task) -> Outcome:
    return Outcome(int(f"--parameter={_FAILING}" in task.command))


def _jobs(world: SystemWorld) -> Iterator[str]:
    """Yield name and status of each job."""
    filters = [{"name": "JOB_NAME", "values": ["*"]}]
    response = _batch(world).list_jobs(jobQueue=_QUEUE, filters=filters)
    yield from sorted(f"{job['jobName']} {job['status']}" for job in response["jobSummaryList"])


def _no_job_runs(world: SystemWorld) -> Iterator[str]:
    """A stopped execution terminates its jobs."""
    for job in _jobs(world):
        if not job.endswith(("SUCCEEDED", "FAILED")):
            yield f"a job still runs: {job}"


def _scenario(case: str, *, step_1: object, step_2: list[str], is_resilient: bool = True) -> SystemScenario:
    act = functools.partial(_start, step_1=step_1, step_2=step_2)
    return _scenario_of(case, act, is_resilient=is_resilient)


def _scenario_of(
    case: str, act: Callable[[SystemWorld], None], *, is_resilient: bool = True
) -> SystemScenario:
    return SystemScenario(
        "batch",
        case,
        act,
        _jobs,
        _no_job_runs,
        task_clients={"batch": _batch},
        secrets=(_SECRET,),
        is_resilient=is_resilient,
    )


SCENARIOS = (
    _scenario("three_steps", step_1="one", step_2=["a", "b"]),
    # A job that fails terminates those that run beside it, at any point of theirs.
    _scenario("job_fails", step_1="one", step_2=["a", _FAILING], is_resilient=False),
    _scenario("refused", step_1=None, step_2=[]),
    _scenario_of("parameter_file", _start_with_a_file),
)

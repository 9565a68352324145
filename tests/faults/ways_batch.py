"""The batch workflow: all three steps, a job that fails, an input that is refused."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from stepline.localaws.batch import Batch, Outcome, Task
from stepline.localaws.context import Context
from stepline.localaws.protocol import in_process_client
from tests.faults.system import SystemWorld, Way
from tests.localaws.batch.fake_containers import FakeContainers
from tests.localaws.batch.world import CONTAINER

_MACHINE, _QUEUE, _DEFINITION = "StateMachine", "JobQueue", "JobDefinition"
_BAD, _SECRET = "bad", "S3CR3T-PARAMETER"
_clients: WeakKeyDictionary[SystemWorld, Any] = WeakKeyDictionary()


def _begin(world: SystemWorld, *, step_1: object, step_2: list[str]) -> None:
    parameters = {"step1_parameter": step_1, "step2_parameters": step_2, "step3_parameters": [_SECRET]}
    world.start(_MACHINE, {"parameters": parameters})


def _batch(world: SystemWorld) -> Any:
    """The client of the world's own AWS Batch, in which the template's queue and job definition are."""
    if world not in _clients:
        containers = FakeContainers(world.clock, outcome=_outcome)
        batch = Batch(Context(world.clock, world.stepfunctions.on_event), containers=containers)
        _clients[world] = _set_up(in_process_client(batch))
    return _clients[world]


def _outcome(task: Task) -> Outcome:
    return Outcome(int(f"--parameter={_BAD}" in task.command))


def _set_up(client: Any) -> Any:
    client.create_compute_environment(
        computeEnvironmentName="environment",
        type="MANAGED",
        computeResources={"type": "FARGATE", "maxvCpus": 10, "subnets": ["subnet-1"]},
    )
    order = [{"order": 1, "computeEnvironment": "environment"}]
    client.create_job_queue(jobQueueName=_QUEUE, priority=1, computeEnvironmentOrder=order)
    client.register_job_definition(
        jobDefinitionName=_DEFINITION, type="container", containerProperties=CONTAINER
    )
    return client


def _jobs(world: SystemWorld) -> Iterator[str]:
    """Name and end of each job."""
    filters = [{"name": "JOB_NAME", "values": ["*"]}]
    answer = _batch(world).list_jobs(jobQueue=_QUEUE, filters=filters)
    yield from sorted(f"{job['jobName']} {job['status']}" for job in answer["jobSummaryList"])


def _none_is_left(world: SystemWorld) -> Iterator[str]:
    """Whoever stops an execution stops its jobs."""
    for job in _jobs(world):
        if not job.endswith(("SUCCEEDED", "FAILED")):
            yield f"a job is left: {job}"


def _way(case: str, *, step_1: object, step_2: list[str], is_steady: bool = True) -> Way:
    return Way(
        "batch",
        case,
        functools.partial(_begin, step_1=step_1, step_2=step_2),
        _jobs,
        _none_is_left,
        task_clients={"batch": _batch},
        secrets=(_SECRET,),
        is_steady=is_steady,
    )


WAYS = (
    _way("three_steps", step_1="one", step_2=["a", "b"]),
    # A job that fails ends those that run beside it, wherever they are at that moment.
    _way("job_fails", step_1="one", step_2=["a", _BAD], is_steady=False),
    _way("refused", step_1=None, step_2=[]),
)

"""Every way through the batch workflow's stack that needs a permission no other way needs."""

from __future__ import annotations

import json
from typing import Any

from tests.iam.logged_machines import logged_machine_of
from tests.iam.proofs import Lane, Variant
from tests.iam.system import ACCOUNT, Ended, System
from tests.iam.ways import fresh


def jobs_run(system: System) -> None:
    """Fargate fetches the image and writes the log under the execution role, the program has the job role."""
    name = fresh()
    _run(system, "one", ["a"], ["b"], name=name).must_be("SUCCEEDED")
    found = [line for line in _log(system, name) if '"parameter"' in line]
    assert len(found) == 1, f"the log of the first job says {found}"


def failure_is_explained(system: System) -> None:
    """A job that somebody terminates before it was started."""
    ended = _run_with_terminated_job(system)
    assert ended.reason.startswith("JobStoppedError: "), ended.reason


def stopped_execution_terminates_its_job(system: System) -> None:
    name = fresh()
    machine = system.resources["StateMachine"]
    states = system.client("stepfunctions")
    with _Closed(system):
        arn = system.start(_document("one", [], []), machine=machine, name=name)
        system.wait_for(lambda: _status(system, f"{name}-step1"), lambda status: status == "RUNNABLE")
        states.stop_execution(executionArn=arn)
        system.wait_for(lambda: _status(system, f"{name}-step1"), lambda status: status == "FAILED")


def machine_that_waits_for_jobs_is_made(system: System) -> None:
    """Step Functions makes the rule by which it hears of their ends."""
    name = f"iam-{fresh()}"
    role = f"arn:aws:iam::{ACCOUNT}:role/{system.resources['StateMachineRole']}"
    stack_id = system.stack(name, _waiting_machine(role))
    system.stack_must_be(stack_id, "CREATE_COMPLETE")
    system.client("cloudformation").delete_stack(StackName=name)
    system.stack_must_be(stack_id, "DELETE_COMPLETE")


def _waiting_machine(role_arn: str) -> dict[str, Any]:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {"JobName": "a", "JobQueue": "a", "JobDefinition": "a"},
        "End": True,
    }
    definition = {"StartAt": "Job", "States": {"Job": task}}
    properties = {"RoleArn": role_arn, "DefinitionString": json.dumps(definition)}
    return {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}


class _Closed:
    """The compute environment is closed meanwhile: jobs wait."""

    def __init__(self, system: System) -> None:
        self._system = system

    def __enter__(self) -> None:
        self._set("DISABLED")

    def __exit__(self, *_error: object) -> None:
        self._set("ENABLED")

    def _set(self, state: str) -> None:
        self._system.client("batch").update_compute_environment(
            computeEnvironment=self._system.resources["ComputeEnvironment"], state=state
        )


def _run_with_terminated_job(system: System) -> Ended:
    name = fresh()
    with _Closed(system):
        arn = system.start(_document("one", [], []), machine=system.resources["StateMachine"], name=name)
        system.wait_for(lambda: _status(system, f"{name}-step1"), lambda status: status == "RUNNABLE")
        system.client("batch").terminate_job(
            jobId=_job_id(system, f"{name}-step1"), reason="told by the test"
        )
        return system.end_of(arn)


def _run(system: System, *parameters: Any, name: str) -> Ended:
    machine = system.resources["StateMachine"]
    return system.end_of(system.start(_document(*parameters), machine=machine, name=name))


def _document(step_1: str, step_2: list[str], step_3: list[str]) -> dict[str, Any]:
    parameters = {"step1_parameter": step_1, "step2_parameters": step_2, "step3_parameters": step_3}
    return {"parameters": parameters}


def _jobs(system: System, name: str) -> list[dict[str, Any]]:
    answer = system.client("batch").list_jobs(
        jobQueue=system.outputs["JobQueueName"], filters=[{"name": "JOB_NAME", "values": [name]}]
    )
    found: list[dict[str, Any]] = answer["jobSummaryList"]
    return found


def _status(system: System, name: str) -> str:
    return next((job["status"] for job in _jobs(system, name)), "")


def _job_id(system: System, name: str) -> str:
    return str(_jobs(system, name)[0]["jobId"])


def _log(system: System, name: str) -> list[str]:
    (job,) = system.client("batch").describe_jobs(jobs=[_job_id(system, f"{name}-step1")])["jobs"]
    events = system.client("logs").get_log_events(
        logGroupName=system.outputs["JobLogGroupName"], logStreamName=job["container"]["logStreamName"]
    )["events"]
    return [event["message"] for event in events]


LANES: tuple[Lane, ...] = (
    (jobs_run, failure_is_explained, stopped_execution_terminates_its_job),
    (logged_machine_of("StateMachineRole"), machine_that_waits_for_jobs_is_made),
)
VARIANTS: tuple[Variant, ...] = ()

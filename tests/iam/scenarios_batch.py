"""Scenarios of the batch workflow; see `suites.py`."""

from __future__ import annotations

import json
from typing import Any

from tests.iam.logged_machines import logged_machine_scenario
from tests.iam.other_resources import INPUT_BUCKET, create_input_bucket
from tests.iam.scenarios import unique_name
from tests.iam.suites import Lane, Variant
from tests.iam.system import ACCOUNT, ExecutionResult, System


def jobs_run(system: System) -> None:
    """Fargate pulls the image and writes the log as the execution role; the program has the job role."""
    name = unique_name()
    _run(system, "one", ["a"], ["b"], name=name).assert_status("SUCCEEDED")
    found = [line for line in _log(system, name) if '"parameter"' in line]
    assert len(found) == 1, f"the log of the first job has {found}"


def failure_is_explained(system: System) -> None:
    """The job is terminated before it starts."""
    ended = _run_with_terminated_job(system)
    assert ended.reason.startswith("JobStoppedError: "), ended.reason


def stopped_execution_terminates_its_job(system: System) -> None:
    name = unique_name()
    machine = system.resources["StateMachine"]
    states = system.client("stepfunctions")
    with _DisabledEnvironment(system):
        arn = system.start(_document("one", [], []), machine=machine, name=name)
        system.wait_for(lambda: _status(system, f"{name}-step1"), lambda status: status == "RUNNABLE")
        states.stop_execution(executionArn=arn)
        system.wait_for(lambda: _status(system, f"{name}-step1"), lambda status: status == "FAILED")


# --- with parameters in a bucket


def parameters_are_read_from_a_version_of_an_object(system: System) -> None:
    s3, key = system.client("s3"), f"{unique_name()}.json"
    versioning: Any = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=INPUT_BUCKET, VersioningConfiguration=versioning)
    body = json.dumps(_document("one", [], []))
    version = s3.put_object(Bucket=INPUT_BUCKET, Key=key, Body=body.encode())["VersionId"]
    _run_file(system, key, version=version).assert_status("SUCCEEDED")


def parameters_are_read_from_an_object(system: System) -> None:
    key = f"{unique_name()}.json"
    body = json.dumps(_document("one", [], []))
    system.client("s3").put_object(Bucket=INPUT_BUCKET, Key=key, Body=body.encode())
    _run_file(system, key).assert_status("SUCCEEDED")


def missing_object_is_reported(system: System) -> None:
    ended = _run_file(system, "none.json")
    assert "which does not exist" in ended.reason, ended.reason


def _run_file(system: System, key: str, **more: str) -> ExecutionResult:
    document = {"bucket": INPUT_BUCKET, "key": key, **more}
    return system.wait_for_execution(system.start(document, machine=system.resources["StateMachine"]))


def state_machine_that_waits_for_jobs_is_created(system: System) -> None:
    """Step Functions creates a rule for the events of the jobs."""
    name = f"iam-{unique_name()}"
    role = f"arn:aws:iam::{ACCOUNT}:role/{system.resources['StateMachineRole']}"
    stack_id = system.stack(name, _waiting_machine(role))
    system.assert_stack_status(stack_id, "CREATE_COMPLETE")
    system.client("cloudformation").delete_stack(StackName=name)
    system.assert_stack_status(stack_id, "DELETE_COMPLETE")


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


class _DisabledEnvironment:
    """Disables the compute environment, so that jobs wait."""

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


def _run_with_terminated_job(system: System) -> ExecutionResult:
    name = unique_name()
    with _DisabledEnvironment(system):
        arn = system.start(_document("one", [], []), machine=system.resources["StateMachine"], name=name)
        system.wait_for(lambda: _status(system, f"{name}-step1"), lambda status: status == "RUNNABLE")
        system.client("batch").terminate_job(
            jobId=_job_id(system, f"{name}-step1"), reason="terminated by the test"
        )
        return system.wait_for_execution(arn)


def _run(system: System, *parameters: Any, name: str) -> ExecutionResult:
    machine = system.resources["StateMachine"]
    return system.wait_for_execution(system.start(_document(*parameters), machine=machine, name=name))


def _document(step_1: str, step_2: list[str], step_3: list[str]) -> dict[str, Any]:
    parameters = {"step1_parameter": step_1, "step2_parameters": step_2, "step3_parameters": step_3}
    return {"parameters": parameters}


def _jobs(system: System, name: str) -> list[dict[str, Any]]:
    response = system.client("batch").list_jobs(
        jobQueue=system.outputs["JobQueueName"], filters=[{"name": "JOB_NAME", "values": [name]}]
    )
    jobs: list[dict[str, Any]] = response["jobSummaryList"]
    return jobs


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
    (logged_machine_scenario("StateMachineRole"), state_machine_that_waits_for_jobs_is_created),
)
VARIANTS = (
    Variant(
        {"InputBucketName": INPUT_BUCKET},
        (
            parameters_are_read_from_a_version_of_an_object,
            parameters_are_read_from_an_object,
            missing_object_is_reported,
        ),
        prepare=create_input_bucket,
    ),
)

"""Patches `.sync` tasks of services whose jobs moto does not wait for: they are polled until they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore import xform_name
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
    state_task_service_unsupported,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from stepline.localaws.emulators.moto.failures import task_failure
from stepline.localaws.stepfunctions.threads import own_threads

POLL_SECONDS: Final = 1.0
"""Between two looks at a job [ours]."""


@dataclass(frozen=True)
class JobType:
    """How to wait for a job. Paths have dots; numbers are indices of lists.

    `request` maps parameters of `describe` to paths into the response of the task's call, or, with `$`, into
    its parameters. `result` is the task's result, `Member=path` into the response of `describe`, or all of
    it; `status` is the path of the job's status in it. A job whose status is in neither set still runs.
    """

    describe: str
    request: Mapping[str, str]
    result: str
    status: str
    succeeded: frozenset[str]
    failed: frozenset[str]


def _job(describe: str, request: Mapping[str, str], *, status: str, result: str = "", ends: str) -> JobType:
    """Return a type of job. `ends` has the statuses of success, a bar, and those of failure."""
    good, _, bad = ends.partition("|")
    return JobType(describe, request, result, status, frozenset(good.split()), frozenset(bad.split()))


def _sagemaker(kind: str) -> JobType:
    name = f"{kind}Name"
    ends = "Completed | Failed Stopped"
    return _job(f"Describe{kind}", {name: f"${name}"}, status=f"{kind}Status", ends=ends)


JOB_TYPES: Final[Mapping[str, JobType]] = {
    "athena:startQueryExecution": _job(
        "GetQueryExecution",
        {"QueryExecutionId": "QueryExecutionId"},
        status="QueryExecution.Status.State",
        ends="SUCCEEDED | FAILED CANCELLED",
    ),
    "codebuild:startBuild": _job(
        "BatchGetBuilds",
        {"ids": "Build.Id"},
        status="builds.0.buildStatus",
        result="Build=builds.0",
        ends="SUCCEEDED | FAILED FAULT TIMED_OUT STOPPED",
    ),
    "databrew:startJobRun": _job(
        "DescribeJobRun",
        {"Name": "$Name", "RunId": "RunId"},
        status="State",
        ends="SUCCEEDED | FAILED STOPPED TIMEOUT",
    ),
    "elasticmapreduce:addStep": _job(
        "DescribeStep",
        {"ClusterId": "$JobFlowId", "StepId": "StepIds.0"},
        status="Step.Status.State",
        ends="COMPLETED | CANCELLED FAILED INTERRUPTED",
    ),
    "elasticmapreduce:createCluster": _job(
        "DescribeCluster",
        {"ClusterId": "JobFlowId"},
        status="Cluster.Status.State",
        ends="WAITING RUNNING | TERMINATED TERMINATED_WITH_ERRORS",
    ),
    "elasticmapreduce:terminateCluster": _job(
        "DescribeCluster",
        {"ClusterId": "$JobFlowIds.0"},
        status="Cluster.Status.State",
        ends="TERMINATED TERMINATED_WITH_ERRORS |",
    ),
    "mediaconvert:createJob": _job(
        "GetJob", {"Id": "Job.Id"}, status="Job.Status", ends="COMPLETE | ERROR CANCELED"
    ),
    "sagemaker:createHyperParameterTuningJob": _sagemaker("HyperParameterTuningJob"),
    "sagemaker:createProcessingJob": _sagemaker("ProcessingJob"),
    "sagemaker:createTrainingJob": _sagemaker("TrainingJob"),
    "sagemaker:createTransformJob": _sagemaker("TransformJob"),
}
"""Integration -> job [Step Functions guide, pages of the optimized integrations; service models]."""

_IDS: Final = ("ClusterId", "StepId")
"""What is kept of EMR's response to the call: machines read `$.cluster.ClusterId` [guide, "EMR"]."""

_ACTIONS: Final = {
    "elasticmapreduce:addStep": "AddJobFlowSteps",
    "elasticmapreduce:createCluster": "RunJobFlow",
    "elasticmapreduce:terminateCluster": "TerminateJobFlows",
}
"""Integration -> operation of the service, where the names differ."""


def wait_for_jobs() -> None:
    """Run `.sync` tasks of Athena, CodeBuild, EMR, SageMaker and others, which moto refuses."""
    task = state_task_service_unsupported.StateTaskServiceUnsupported
    action = task._get_boto_service_action

    def create(self: Any) -> None:
        patterns = {ResourceCondition.Sync, ResourceCondition.WaitForTaskToken}
        state_task_service_callback.StateTaskServiceCallback.__init__(
            self, supported_integration_patterns=patterns
        )

    def operation(self: Any, service_action_name: str | None = None) -> str:
        name = _ACTIONS.get(_integration(self)) if service_action_name is None else None
        return xform_name(name) if name else str(action(self, service_action_name=service_action_name))

    def build(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> Callable[[], Any]:
        job_type = JOB_TYPES.get(_integration(self))
        if job_type is None:
            raise RuntimeError(f"The local AWS cannot wait for {_integration(self)}.sync")
        client = boto_client.boto_client_for(
            service=self._get_boto_service_name(), region="", state_credentials=state_credentials
        )
        call = getattr(client, xform_name(job_type.describe))
        submitted = env.stack.pop()
        request = _request(job_type, submitted, normalised_parameters)
        ids = {name: submitted[name] for name in _IDS if name in submitted}

        def resolve() -> Any:
            found = _result(self, env, job_type, call(**request))
            return None if found is None else ids | found

        return resolve

    def evaluate(
        _self: Any, env: Any, sync_resolver: Callable[[], Any], *_args: Any, **_settings: Any
    ) -> Any:
        while env.is_running():
            if (found := sync_resolver()) is not None:
                return found
            own_threads().wait(lambda: not env.is_running(), POLL_SECONDS)
        return None

    task.__init__ = create
    task._get_boto_service_action = operation
    task._build_sync_resolver = build
    task._eval_sync = evaluate


def adapt_requests_of_emr() -> None:
    """Translate the parameters of EMR's integrations, which are not those of its API."""
    task = state_task_service_unsupported.StateTaskServiceUnsupported
    normalise = task._normalise_parameters

    def adapted(self: Any, parameters: Any, *args: Any, **settings: Any) -> None:
        integration = _integration(self)
        if integration in _ACTIONS and "ClusterId" in parameters:
            cluster = parameters.pop("ClusterId")
            is_list = integration.endswith("terminateCluster")
            parameters["JobFlowIds" if is_list else "JobFlowId"] = [cluster] if is_list else cluster
        if integration.endswith("addStep") and "Step" in parameters:
            parameters["Steps"] = [parameters.pop("Step")]
        normalise(self, parameters, *args, **settings)

    evaluate = task._eval_service_task

    def with_names(self: Any, env: Any, *args: Any, **settings: Any) -> None:
        evaluate(self, env, *args, **settings)
        response = env.stack[-1]
        if _integration(self).endswith("createCluster"):
            env.stack[-1] = {"ClusterId": response.get("JobFlowId"), **response}
        if _integration(self).endswith("addStep"):
            env.stack[-1] = {"StepId": _at(response, "StepIds.0"), **response}

    task._normalise_parameters = adapted
    task._eval_service_task = with_names


def _integration(task: Any) -> str:
    return f"{task.resource.service_name}:{task.resource.api_action}"


def _request(job_type: JobType, response: Any, parameters: Any) -> dict[str, Any]:
    request = {}
    for name, path in job_type.request.items():
        value = _at(parameters, path[1:]) if path.startswith("$") else _at(response, path)
        request[name] = [value] if name == "ids" else value
    return request


def _result(task: Any, env: Any, job_type: JobType, response: Any) -> Any:
    """Return the task's result, or None while the job runs. Raises the failure of a failed job."""
    status = str(_at(response, job_type.status))
    response.pop("ResponseMetadata", None)
    if status not in job_type.succeeded | job_type.failed:
        return None
    task._normalise_response(response=response, service_action_name=xform_name(job_type.describe))
    member, _, path = job_type.result.partition("=")
    result = {member: _at(response, _capitalized(path))} if member else response
    if status in job_type.succeeded:
        return result
    cause = to_json_str(result, separators=(",", ":"))
    raise FailureEventException(task_failure(task, env, "States.TaskFailed", cause))


def _capitalized(path: str) -> str:
    return ".".join(part[:1].upper() + part[1:] for part in path.split("."))


def _at(value: Any, path: str) -> Any:
    for part in path.split(".") if path else ():
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(part)
    return value
